"""Where submissions wait for the writer: bounded, in order, taken all at once. What waits together commits together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition

from ledger.commit.batch import Sequenced
from ledger.commit.prepared import Prepared
from ledger.errors import UnavailableError

# Entries that may wait. At a few thousand a second that is seconds of work: beyond it, waiting would outlast the
# clients.
POOL_ENTRIES = 20_000

# Entries committed at once: large enough for bulk, small enough that one transaction never takes seconds.
BATCH_ENTRIES = 4_096


@dataclass(eq=False, slots=True)
class Waiting:
    """A submission (entries that stand or fall together) and who waits for its outcome."""

    submission: Sequence[Prepared]
    future: Future[list[Sequenced]] = field(default_factory=Future)


class Pool:
    """A bounded queue for many threads and one writer."""

    def __init__(self, capacity: int = POOL_ENTRIES) -> None:
        self._capacity = capacity
        self._waiting: deque[Waiting] = deque()
        self._entries = 0
        self._closed = False
        self._woken = False
        self._changed = Condition()

    def __len__(self) -> int:
        """Entries waiting now."""
        return self._entries

    def put(self, submission: Sequence[Prepared]) -> Future[list[Sequenced]]:
        """Queue a submission. Raises UnavailableError beyond the capacity, or when the ledger is closing."""
        waiting = Waiting(submission)
        with self._changed:
            if self._closed:
                raise UnavailableError("append to the log: the ledger is closing", retry_after=5)
            if self._entries and self._entries + len(submission) > self._capacity:
                raise UnavailableError(f"append to the log: {self._entries} entries are waiting already", retry_after=2)
            self._waiting.append(waiting)
            self._entries += len(submission)
            self._changed.notify()
        return waiting.future

    def take(self) -> list[Waiting] | None:
        """All that waits, up to a batch; blocks while nothing does. None once closed and drained; empty for a writer
        that was woken without anything to write.
        """
        with self._changed:
            while not self._waiting and not self._closed and not self._woken:
                self._changed.wait()
            self._woken = False
            if not self._waiting and self._closed:
                return None
            taken: list[Waiting] = []
            entries = 0
            while self._waiting and (not taken or entries + len(self._waiting[0].submission) <= BATCH_ENTRIES):
                taken.append(self._waiting.popleft())
                entries += len(taken[-1].submission)
            self._entries -= entries
            return taken

    def wake(self) -> None:
        """Let the writer return from `take`, now or the next time: something else than a submission needs it."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse new submissions; what waits is still taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
