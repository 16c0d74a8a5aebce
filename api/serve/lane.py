"""One thread with many requests under way: each runs until it waits for the writer, and the next goes on meanwhile.

    submitted → runs → waits, held → all that are held are begun at once → outcome → runs on → answered

A thread for each request costs more than the request: the interpreter runs one at a time, and each of them takes turns
with all others and with the writer at every system call. Here requests follow one another without a turn, and what they
have for the writer is begun once there is nothing left to run: it goes into one commit, under one signature.

Each request is a greenlet, with its own stack and its own context variables. It must not hold a lock while it waits for
the writer: the others are in the same thread, and would stand before that lock for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

from greenlet import getcurrent, greenlet

from api.serve.crew import STALL_SECONDS, Crew, Work
from ledger.commit.patience import Begin, have_patience

_log = logging.getLogger("evidence_ledger.http")

HELD_MAX: Final = 32
"""After so many what is held is begun although more could run, whatever those were: with very many clients the writer
would wait for the last of them, or for the end of their refusals.
"""


class _Wait:
    """A request that waits: what it wants begun, until when (monotonic seconds), and what came of it."""

    __slots__ = ("begin", "deadline", "future", "request")

    def __init__(self, request: greenlet, begin: Begin[Any], deadline: float) -> None:
        self.request = request
        self.begin = begin
        self.deadline = deadline
        self.future: Future[Any] = Future()


class Lane:
    """Runs works that wait for nothing but the writer, as a rule. Where one does stand still for something else, what
    comes behind it goes to `otherwise` until it runs again.
    """

    def __init__(self, name: str, otherwise: Crew) -> None:
        self._name = name
        self._otherwise = otherwise
        self._steps: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._coming: deque[Work] = deque()
        self._held: list[_Wait] = []
        self._waiting: set[_Wait] = set()
        self._stepping: float | None = None  # since when the step under way runs (monotonic seconds)
        self._is_stalled = False
        self._has_thread = False

    def submit(self, work: Work) -> None:
        """Have it done. From one thread only."""
        if self._is_stalled:
            self._otherwise.submit(work)
            return
        self._coming.append(work)
        self._steps.put(self._run_next)
        if not self._has_thread:
            self._has_thread = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def relieve(self) -> None:
        """To be called every second or so, by who submits: passes on what waits behind a work that stands still, and
        ends the waiting of those whose time is over.
        """
        now, since = time.monotonic(), self._stepping
        self._is_stalled = since is not None and now - since > STALL_SECONDS
        if self._is_stalled:
            with suppress(IndexError):  # the lane takes from it, too
                while True:
                    self._otherwise.submit(self._coming.popleft())
        for wait in list(self._waiting):
            if wait.deadline < now:
                self._steps.put(partial(self._resume, wait))

    def elsewhere(self, work: Callable[[], None], seconds: float) -> None:
        """In a work of this lane: have something done that may stand still, and wait for it. Raises what it raises, and
        TimeoutError.
        """
        self._wait(lambda: _promise(self._otherwise, work), seconds)

    def _run(self) -> None:
        self._hub = getcurrent()
        have_patience(self._wait)
        steps = 0  # since the first of those that are held, itself included
        while True:
            if self._held and (steps >= HELD_MAX or self._steps.empty()):
                self._begin_held()
                steps = 0
            self._stepping = None
            step = self._steps.get()
            self._stepping = time.monotonic()
            try:
                step()
            except Exception as error:  # a work raises nothing; if it does, the others go on
                _log.error("a request failed in the server: %s", type(error).__name__, exc_info=error)
            if self._held:
                steps += 1

    def _run_next(self) -> None:
        try:
            work = self._coming.popleft()
        except IndexError:
            return  # it was passed on
        greenlet(work).switch()

    def _wait(self, begin: Begin[Any], seconds: float) -> Any:
        wait = _Wait(getcurrent(), begin, time.monotonic() + seconds)
        self._held.append(wait)
        self._waiting.add(wait)
        self._hub.switch()
        future = wait.future
        # It knows who waited, and its error this frame: each would be garbage for the collector to find.
        del wait.future
        try:
            return future.result(0)
        finally:
            del future

    def _begin_held(self) -> None:
        held, self._held = self._held, []
        for wait in held:
            if wait not in self._waiting:
                continue  # its time was over before it was begun, and who asked for it went on
            try:
                wait.future = wait.begin()
            except Exception as error:  # who asked for it hears of it
                wait.future.set_exception(error)
            wait.future.add_done_callback(partial(self._outcome, wait))

    def _outcome(self, wait: _Wait, _future: Future[Any]) -> None:
        self._steps.put(partial(self._resume, wait))

    def _resume(self, wait: _Wait) -> None:
        if wait in self._waiting:  # not twice: the outcome may come as the time is over
            self._waiting.discard(wait)
            wait.request.switch()


def _promise(crew: Crew, work: Callable[[], None]) -> Future[None]:
    future: Future[None] = Future()

    def keep() -> None:
        try:
            work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    crew.submit(keep)
    return future
