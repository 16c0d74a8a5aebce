"""Processes that prepare entries on every core, outside of any lock.

One Python process computes on one core at a time, and a commitment costs more than its rows in the database. So large
batches are cut into pieces, and each piece goes through a pipe to a process of its own:

    python -I -m ledger.submit.core_process       task in, result out, both pickled, until its input ends

A process inherits nothing but its pipes (no fork: threads and connections would not survive it), and ends when they
close, however we ended. Nobody waits for one to come up, and where there is none, the caller's thread does the work.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

_COMMAND: Final = (sys.executable, "-I", "-m", "ledger.submit.core_process")
_STOP_SECONDS: Final = 5.0  # for the piece in hand; it takes milliseconds

# As the process began: a server pins itself to one core later, and what it starts would inherit that.
_ALLOWED: Final = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


class Cores:
    """At most `count` processes, one for each core unless told otherwise; none where there is one core only.

    Safe to use from many threads: each takes the processes that are free, and does without where none is. The processes
    are started at the first use, and serve those after it.
    """

    def __init__(self, count: int | None = None) -> None:
        cores = len(_ALLOWED) if _ALLOWED is not None else os.cpu_count() or 1
        self.count = (cores if cores > 1 else 0) if count is None else count
        self._free: list[_Process] = []
        self._started = False
        self._closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the processes, and wait for none of them. Harmless to repeat."""
        with self._lock:
            if self._started or self._closed:
                return
            self._started = True
            for _ in range(self.count):
                with suppress(OSError):  # no more processes for us: those that are there do the work
                    self._free.append(_Process())

    def map(self, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """`function` of each piece, in order. It must be a module's own, and the pieces and results plain to pickle.

        Raises what `function` raises. A process that dies loses nothing: its piece is done again, here.
        """
        self.start()
        taken = self._take(len(pieces))
        results: list[R] = []
        try:
            while taken and len(results) < len(pieces):
                group = pieces[len(results) : len(results) + len(taken)]
                sent = [each.send(function, piece) for each, piece in zip(taken, group, strict=False)]
                came = [each.receive() if ok else None for each, ok in zip(taken, sent, strict=False)]
                taken = [each for each in taken if each.alive]
                results += [
                    cast("R", answer[0]) if answer is not None else function(piece)
                    for answer, piece in zip(came, group, strict=True)
                ]
        finally:
            self._give_back(taken)
        return results + [function(piece) for piece in pieces[len(results) :]]

    def close(self) -> None:
        """Let the processes end. Harmless to repeat; what is under way in other threads still gets its answer."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for each in free:
            each.stop()

    def _take(self, wanted: int) -> list[_Process]:
        with self._lock:
            taken = [each for each in self._free if each.is_up()][:wanted]
            self._free = [each for each in self._free if each not in taken and each.alive]
        return taken

    def _give_back(self, taken: list[_Process]) -> None:
        with self._lock:
            if not self._closed:
                self._free += taken
                return
        for each in taken:
            each.stop()


class _Process:
    """One process and its pipes. What it answers is ours: it runs our code on what we sent."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._up = False
        self.alive = True
        # The first thing it is told: which cores it may use, and where we import from.
        self._write((sorted(_ALLOWED) if _ALLOWED is not None else None, sys.path))

    def is_up(self) -> bool:
        """Whether it takes tasks by now; asks without waiting."""
        output = self._process.stdout
        if self.alive and not self._up and output is not None and select.select([output], [], [], 0)[0]:
            self._up = self._read() is not None
        return self.alive and self._up

    def send(self, function: Callable[[Any], Any], piece: Any) -> bool:
        """Give it a task. False where it is dead."""
        return self._write((function, piece))

    def receive(self) -> tuple[Any] | None:
        """The result, in a tuple; None where it raised or died: then the caller does the work, and raises the same."""
        answer = self._read()
        return None if answer is None or answer == () else cast("tuple[Any]", answer)

    def stop(self) -> None:
        """End it by closing its input."""
        self.alive = False
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _write(self, value: Any) -> bool:
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)  # whole, or nothing of it is sent
        try:
            pipe = self._process.stdin
            assert pipe is not None  # noqa: S101  (it was asked for)
            pipe.write(data)
            pipe.flush()
        except (OSError, ValueError):
            self._bury()
            return False
        return True

    def _read(self) -> Any:
        try:
            pipe = self._process.stdout
            assert pipe is not None  # noqa: S101  (it was asked for)
            return pickle.load(pipe)  # noqa: S301  (what our own process wrote)
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            self._bury()
            return None

    def _bury(self) -> None:
        if self.alive:
            self._process.kill()
            self.stop()
