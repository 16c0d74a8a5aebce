"""Processes started anew, for work that is done piece by piece: nothing is open in them but what they open themselves.

Each costs half a second of imports until it is up, and makes what it works with for itself. It ends with us, however we
end.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, Final, Generic, TypeVar

from ledger.errors import UnavailableError

Tool = TypeVar("Tool")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

AHEAD: Final = 2
"""Pieces given to each process before the first of them is asked back: none waits, and results do not pile up."""

_tool: Any = None  # of a process that was started here


class Spawned(Generic[Tool]):
    """`make` gives what a process works with, a function of a module or a `partial` of one; `tool`: the same, ours."""

    def __init__(self, make: Callable[[], Tool], tool: Tool, count: int) -> None:
        self._tool = tool
        self._count = count
        self._executor = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, (make,))
        self._up: list[Future[int]] = [self._executor.submit(os.getpid) for _ in range(count)]

    def map(self, work: Callable[[Tool, Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """What `work` gives for each piece, in order; nobody waits for the processes to come up. Raises what it raises;
        UnavailableError where a process died.
        """
        waiting: deque[Future[Result]] = deque()
        try:
            for piece in pieces:
                if not waiting and not any(each.done() for each in self._up):
                    yield work(self._tool, piece)  # a second's work is done by the time they have come up
                    continue
                waiting.append(self._executor.submit(_run, work, piece))
                if len(waiting) > AHEAD * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenExecutor as error:
            raise UnavailableError("work on all cores: a process died; is there enough memory?") from error
        finally:
            for each in waiting:
                each.cancel()

    def close(self) -> None:
        """When they have done what they are at."""
        self._executor.shutdown(cancel_futures=True)


def _begin(make: Callable[[], Any]) -> None:
    global _tool
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us to carry out
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _tool = make()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run(work: Callable[[Any, Piece], Result], piece: Piece) -> Result:
    return work(_tool, piece)
