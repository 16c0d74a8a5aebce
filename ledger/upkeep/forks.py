"""Processes that are copies of this one, for work that is done piece by piece: up in milliseconds, for what is imported
here is imported there.

    this process ── pieces ──▶ copy ── results ──▶ this process        a pair of pipes for each copy
                 ── lifeline: nothing is ever written; its end is theirs, however we end

A copy shares with us what is open. So they are made where nothing is that a copy could harm (a database's connection),
and where no other thread runs, whose locks would be copied and never released.
"""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final, NoReturn, TypeVar

from ledger.errors import UnavailableError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

AHEAD: Final = 2
"""Pieces given to each copy at a time: none waits for the next one, and results do not pile up."""

_LENGTH: Final = Struct(">Q")
_READ_MAX: Final = 1024 * 1024


def can_fork() -> bool:
    """Whether this system copies processes, and nobody here would be harmed by it."""
    return hasattr(os, "fork") and threading.active_count() == 1


@dataclass(slots=True)
class _Copy:
    """One of them, as we hold it. `waiting`: the numbers of the pieces that it was given, in their order."""

    pid: int
    pieces: int
    results: int
    waiting: deque[int] = field(default_factory=deque)


class Forks:
    """`make` gives each copy what it works with. `close` ends them at once."""

    def __init__(self, make: Callable[[], Any], count: int) -> None:
        self._copies: list[_Copy] = []
        self._selector = selectors.DefaultSelector()
        theirs, self._lifeline = os.pipe()
        try:
            for _ in range(count):
                self._fork(make, theirs)
        finally:
            os.close(theirs)
        for copy in self._copies:
            self._selector.register(copy.results, selectors.EVENT_READ, copy)

    def map(self, work: Callable[[Any, Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """What `work` gives for each piece, in order. Raises what it raises; UnavailableError where a copy died."""
        done: dict[int, tuple[bool, Any]] = {}
        given = 0
        try:
            for number in range(len(pieces)):
                while number not in done:
                    # A slow copy must not let the others' results pile up while its own is waited for.
                    last = min(len(pieces), number + 2 * AHEAD * len(self._copies))
                    while given < last and self._give(given, (work, pieces[given])):
                        given += 1
                    done |= self._receive()
                good, came = done.pop(number)
                if not good:
                    raise came
                yield came
        except KeyboardInterrupt:
            self.close()
            raise
        finally:
            while any(map(_load, self._copies)):  # what was given comes back before anything else is
                self._receive()

    def close(self) -> None:
        """Also in the middle of a piece: they only read."""
        if not self._copies:
            return
        os.close(self._lifeline)
        self._selector.close()
        for copy in self._copies:
            os.close(copy.pieces)
            os.close(copy.results)
            with suppress(ChildProcessError):  # where SIGCHLD is ignored nobody is left to be waited for
                os.waitpid(copy.pid, 0)
        self._copies = []

    def _give(self, number: int, piece: object) -> bool:
        """To whoever has least to do, unless all have enough."""
        copy = min(self._copies, key=_load)
        if _load(copy) >= AHEAD:
            return False
        try:
            _write(copy.pieces, piece)
        except OSError as error:
            raise self._lost() from error
        copy.waiting.append(number)
        return True

    def _receive(self) -> dict[int, tuple[bool, Any]]:
        """The results that are there, by number; waits for one."""
        copies: list[_Copy] = [key.data for key, _ in self._selector.select()]
        try:
            return {copy.waiting.popleft(): _read(copy.results) for copy in copies}
        except (OSError, EOFError, IndexError) as error:
            raise self._lost() from error

    def _lost(self) -> UnavailableError:
        self.close()
        return UnavailableError("work on all cores: a process died; is there enough memory?")

    def _fork(self, make: Callable[[], Any], lifeline: int) -> None:
        (pieces, our_pieces), (our_results, results) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            ours = [our_pieces, our_results, self._lifeline]
            ours += [pipe for copy in self._copies for pipe in (copy.pieces, copy.results)]
            _serve(make, pieces, results, lifeline, ours)
        os.close(pieces)
        os.close(results)
        self._copies.append(_Copy(pid, our_pieces, our_results))


def _load(copy: _Copy) -> int:
    return len(copy.waiting)


def _serve(make: Callable[[], Any], pieces: int, results: int, lifeline: int, ours: Sequence[int]) -> NoReturn:
    """A copy's whole life. Nothing of what it was copied from is finished twice: no buffer flushed, no handler run."""
    try:
        for each in ours:
            os.close(each)
        gc.freeze()  # what was open elsewhere and forgotten is not ours to close
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us to carry out
        threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
        tool = make()
        while True:
            work, piece = _read(pieces)
            try:
                result = True, work(tool, piece)
            except Exception as error:
                result = False, error
            _write(results, result)
    finally:
        os._exit(1)


def _end_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


def _write(pipe: int, value: object) -> None:
    data = pickle.dumps(value)
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _read(pipe: int) -> Any:
    """One value, and no byte of the next, of which nobody would hear. Raises EOFError where the other end is closed."""
    (size,) = _LENGTH.unpack(_read_bytes(pipe, _LENGTH.size))
    return pickle.loads(_read_bytes(pipe, size))  # noqa: S301 (of our own process)


def _read_bytes(pipe: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(pipe, min(size, _READ_MAX))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
