"""Processes that prepare entries on every core, outside of any lock.

One Python process computes on one core at a time, and a commitment costs more than its rows in the database. So large
batches are cut into pieces, and each piece goes to a process of its own:

    python -I -m ledger.submit.core_process       task in, result out (ledger.submit.core_channel), until its input ends

A process inherits nothing but its pipes and the memory that messages go through (no fork: threads and connections would
not survive it), and ends when they close, however we ended. Nobody waits for one to come up, and where there is none,
the caller's thread does the work. Where all are busy, it waits for one: its own work would hold up all other threads.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final, TypeVar, cast

from ledger.submit.core_channel import Channel, pack_message, share_memory

T = TypeVar("T")
R = TypeVar("R")

_COMMAND: Final = (sys.executable, "-I", "-m", "ledger.submit.core_process")
WAIT_SECONDS: Final = 2.0
"""For a process that others use: a piece takes a tenth of a second. Who waited longer does the work himself."""

ANSWER_SECONDS: Final = 30.0
"""For a process's answer: one that hangs (stopped, swapped out) is given up, and nobody's submission with it."""

_STOP_SECONDS: Final = 5.0  # for the piece in hand; it takes milliseconds

# As the process began: a server pins itself to one core later, and what it starts would inherit that.
_ALLOWED: Final = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


class Cores:
    """At most `count` processes, one for each core unless told otherwise; none where there is one core only.

    Safe to use from many threads: each takes the processes that are free, and waits for one where none is. The
    processes are started at the first use, and serve those after it.
    """

    def __init__(self, count: int | None = None) -> None:
        cores = len(_ALLOWED) if _ALLOWED is not None else os.cpu_count() or 1
        self.count = (cores if cores > 1 else 0) if count is None else count
        self._free: list[_Process] = []
        self._started = False
        self._closed = False
        self._busy = 0  # processes that a thread has taken
        self._changed = threading.Condition()

    def start(self) -> None:
        """Start the processes, and wait for none of them. Harmless to repeat."""
        with self._changed:
            if self._started or self._closed:
                return
            self._started = True
            for _ in range(self.count):
                with suppress(OSError):  # no more processes for us: those that are there do the work
                    self._free.append(_Process())

    def wait_up(self, seconds: float) -> bool:
        """Start the processes and wait until all that live are up, so long at most; whether they are. For who measures
        and has the time: a submission never waits for that.
        """
        self.start()
        deadline = time.monotonic() + seconds
        while True:
            with self._changed:
                if all(each.is_up() or not each.alive for each in self._free):
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)

    def map(self, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """`function` of each piece, in order. It must be a module's own, and the pieces and results plain to pickle.

        Raises what `function` raises. A process that dies loses nothing: its piece is done again, here.
        """
        self.start()
        results: list[R] = []
        while len(results) < len(pieces):
            # Taken anew for each group: a long batch lets short ones in between.
            group = pieces[len(results) : len(results) + self.count] or pieces[len(results) : len(results) + 1]
            tasks = [pack_message((function, piece)) for piece in group]
            for answer, piece in zip(self._ask(tasks) or [None], group, strict=False):
                results.append(cast("R", answer[0]) if answer is not None else function(piece))
        return results

    def _ask(self, tasks: Sequence[bytes]) -> list[tuple[Any] | None]:
        """What comes of the first tasks, of one for each process that was there; None where it died, or raised."""
        taken = self._take(len(tasks))
        try:
            sent = [each.send(task) for each, task in zip(taken, tasks, strict=False)]
            return [each.receive() if ok else None for each, ok in zip(taken, sent, strict=True)]
        except BaseException:
            for each in taken:
                each.bury()  # what it answers would be taken for the answer to the next task
            raise
        finally:
            self._give_back(taken)

    def close(self) -> None:
        """Let the processes end. Harmless to repeat; what is under way in other threads still gets its answer."""
        with self._changed:
            self._closed = True
            free, self._free = self._free, []
        for each in free:
            each.stop()

    def _take(self, wanted: int) -> list[_Process]:
        with self._changed:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                up = [each for each in self._free if each.is_up()]
                left = deadline - time.monotonic()
                if up or not self._busy or left <= 0:
                    break
                self._changed.wait(left)  # what dies is given back, too
            taken = up[:wanted]
            self._free = [each for each in self._free if each not in taken and each.alive]
            self._busy += len(taken)
        return taken

    def _give_back(self, taken: list[_Process]) -> None:
        with self._changed:
            self._busy -= len(taken)
            if not self._closed:
                self._free += [each for each in taken if each.alive]
                taken = []
            self._changed.notify_all()
        for each in taken:
            each.stop()


class _Process:
    """One process and its pipes. What it answers is ours: it runs our code on what we sent."""

    def __init__(self) -> None:
        self._memory = share_memory()
        shared = [] if self._memory is None else [self._memory]
        try:
            self._process = subprocess.Popen(
                [*_COMMAND, *map(str, shared)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=shared,
            )
        except BaseException:
            self._forget_memory()
            raise
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None and sink is not None  # noqa: S101  (they were asked for)
        self._source, self._sink = source, sink
        self._channel = Channel(cast("BinaryIO", source), cast("BinaryIO", sink), self._memory)
        self._up = False
        self.alive = True
        # The first thing it is told: which cores it may use, and where we import from.
        self.send(pack_message((sorted(_ALLOWED) if _ALLOWED is not None else None, sys.path)))

    def is_up(self) -> bool:
        """Whether it takes tasks by now; asks without waiting."""
        if self.alive and not self._up and select.select([self._source], [], [], 0)[0]:
            self._up = self._read() is not None
        return self.alive and self._up

    def send(self, task: bytes) -> bool:
        """Give it a task. False where it is dead."""
        try:
            self._channel.send(task)
        except (OSError, ValueError):
            self.bury()
            return False
        return True

    def receive(self) -> tuple[Any] | None:
        """The result, in a tuple; None where it raised or died: then the caller does the work, and raises the same."""
        if not select.select([self._source], [], [], ANSWER_SECONDS)[0]:
            self.bury()
            return None
        answer = self._read()
        return None if answer is None or answer == () else cast("tuple[Any]", answer)

    def stop(self) -> None:
        """End it by closing its input."""
        self.alive = False
        with suppress(OSError):
            self._sink.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._source.close()
        self._forget_memory()

    def _forget_memory(self) -> None:
        memory, self._memory = self._memory, None
        if memory is not None:
            os.close(memory)

    def _read(self) -> Any:
        try:
            return self._channel.receive()
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            self.bury()
            return None

    def bury(self) -> None:
        """End it at once: it is dead, or what it says cannot be told apart any more."""
        if self.alive:
            self._process.kill()
            self.stop()
