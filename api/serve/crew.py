"""Threads that work on requests, started as they are needed and more of them while the others are held up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeAlias

Work: TypeAlias = Callable[[], None]
"""Raises nothing: there is nobody to tell."""

# A request that waits for longer found every thread held by a slow client; work of our own takes milliseconds.
STALL_SECONDS: Final = 0.5
_RELIEF: Final = 16  # threads for each round in which that is so


class Crew:
    """At most `size` threads, up to `size_max` while they are held up. The threads end with the process."""

    def __init__(self, name: str, size: int, size_max: int | None = None) -> None:
        self._name = name
        self._size = self._limit = size
        self._size_max = size if size_max is None else size_max
        self._waiting: SimpleQueue[tuple[float, Work]] = SimpleQueue()
        self._count = 0
        self._idle = 0
        self._oldest = 0.0  # when the work came that was taken last: what waits came later
        self._finished = 0  # since the last round
        self._lock = threading.Lock()

    def submit(self, work: Work) -> None:
        """Have it done, in the order of submission."""
        self._waiting.put((time.monotonic(), work))
        with self._lock:
            if self._idle > 0:
                self._idle -= 1  # it is promised to this work
                return
            self._start()

    def relieve(self) -> None:
        """To be called every second or so: adds threads where work waits because nothing gets finished, and lets them
        go when none waits. Where there is merely much to do, more threads would only be in each other's way.
        """
        with self._lock:
            finished, self._finished = self._finished, 0
            if self._waiting.empty():
                self._limit = self._size
            elif finished < self._count and time.monotonic() - self._oldest > STALL_SECONDS:
                self._limit = min(self._limit + _RELIEF, self._size_max)
                for _ in range(min(_RELIEF, self._waiting.qsize())):
                    self._start()

    def _start(self) -> None:
        if self._count < self._limit:
            self._count += 1
            threading.Thread(target=self._run, name=f"{self._name}-{self._count}", daemon=True).start()

    def _run(self) -> None:
        while True:
            came, work = self._waiting.get()
            self._oldest = max(came, self._oldest)
            work()
            with self._lock:
                self._finished += 1
                if self._count > self._limit:
                    self._count -= 1
                    return
                if self._waiting.empty():
                    self._idle += 1
