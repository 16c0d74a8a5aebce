"""The same work on piece after piece, by processes on every core; a short one is done here and at once.

Each process makes what it works with (a database's connections, a folder) for itself, and gets nothing but pieces. It
ends with us, however we end.
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
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from ledger.errors import UnavailableError

Tool = TypeVar("Tool")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

AHEAD: Final = 2
"""Pieces given to each process before the first of them is asked back: none waits, and results do not pile up."""

_tool: Any = None  # of a process that was started here


class Processes(Generic[Tool]):
    """`make` gives what the work needs: a function of a module, or a `partial` of one. `count`: 0 does all work here.

    `may_fork`: nothing that is open here is harmed by a copy of this process, as a database's connection would be; it
    is done where no other thread runs, which saves each process its half second of imports. A context manager;
    processes are started at the first use.
    """

    def __init__(self, make: Callable[[], Tool], tool: Tool, count: int, *, may_fork: bool = False) -> None:
        self._make = make
        self._tool = tool
        self._count = count
        self._may_fork = may_fork
        self._executor: ProcessPoolExecutor | None = None
        self._up: list[Future[int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def map(self, work: Callable[[Tool, Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """What `work` gives for each piece, in order; nobody waits for the processes to come up. Raises what it raises;
        UnavailableError where a process died.
        """
        if self._count < 2 or len(pieces) < 2:
            for piece in pieces:
                yield work(self._tool, piece)
            return
        executor = self._start()
        waiting: deque[Future[Result]] = deque()
        try:
            for piece in pieces:
                if not waiting and not any(each.done() for each in self._up):
                    yield work(self._tool, piece)  # a second's work is done by the time they have come up
                    continue
                waiting.append(executor.submit(_run, work, piece))
                if len(waiting) > AHEAD * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenExecutor as error:
            raise UnavailableError("work on all cores: a process died; is there enough memory?") from error
        finally:
            for each in waiting:
                each.cancel()

    def _start(self) -> ProcessPoolExecutor:
        if self._executor is None:
            # Locks that other threads hold would be copied with them, and never released.
            forked = (
                self._may_fork and threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
            )
            context = multiprocessing.get_context("fork" if forked else "spawn")
            self._executor = ProcessPoolExecutor(self._count, context, _begin, (self._make,))
            self._up = [self._executor.submit(os.getpid) for _ in range(self._count)]
        return self._executor


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
