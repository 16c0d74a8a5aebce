"""When each timestamp authority is asked (DESIGN §3.5), and the thread that asks it.

Timestamps are outside the commit path. An authority that is down, slow or lying is retried, logged and shown in
`status()`; it never stops anchoring, nor another authority, each of which has a thread of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from ledger.attest.authority_status import AuthorityStatus, LastToken, caught_up, status_from, with_end
from ledger.attest.rfc3161_token import TimestampInfo
from ledger.errors import ConfigError, LedgerError

__all__ = ["Authority", "AuthorityStatus", "LastToken", "Timestamping", "Turn", "backoff", "due", "undisputed"]

INTERVAL_SECONDS = 60.0
"""Default age of the last token from which new entries get the next: how wide a time bracket may be."""

IDLE_INTERVAL_SECONDS = 3600.0
"""Without new entries: a fresh *not before* for the next entry, and renewal of the old tokens (RFC 4998's idea)."""

FIRST_BACKOFF_SECONDS = 5.0
"""After a first failure: a short outage costs less than an interval."""

LAST_BACKOFF_SECONDS = 600.0
"""However long the outage, it is noticed to be over within ten minutes."""

STOP_SECONDS = 1.0
"""How long `stop` waits for answers under way; one that comes later is dropped."""

POLL_SECONDS = 0.5
"""How often a thread looks whether its authority is due; a thread waits no longer than this to see a stop."""

CLOCK_TOLERANCE_MS = 5_000
"""A difference between our clock and an authority's beyond this is logged: one of the two is wrong."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority to ask. `ask` takes the bytes to stamp and returns (DER of the response, what it says), checked.

    `ask` raises LedgerError; it must come back by itself, and may be called from a thread of its own.
    """

    name: str
    ask: Callable[[bytes], tuple[bytes, TimestampInfo]]


@dataclass(frozen=True, slots=True)
class Turn:
    """It is our turn to ask an authority. `last`: its last token now, where another process may have recorded it."""

    last: LastToken | None


@contextmanager
def undisputed(_authority: str) -> Iterator[Turn]:
    """The turn of a process that has the log to itself."""
    yield Turn(None)


def due(
    now: float,
    last_token_time: float | None,
    new_entries_since: bool,
    interval: float = INTERVAL_SECONDS,
    idle_interval: float = IDLE_INTERVAL_SECONDS,
) -> bool:
    """Whether an authority is to be asked now; all in seconds on one clock. `new_entries_since` its last token: entries
    other than timestamp.recorded, or every token would call for the next.

    A last token that lies in the future means that the clock was set back; waiting for it could take years.
    """
    if last_token_time is None or last_token_time > now:
        return True
    age = now - last_token_time
    return age >= min(interval, idle_interval) if new_entries_since else age >= idle_interval


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row (0: none)."""
    if failures <= 0:
        return 0.0
    return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 32), LAST_BACKOFF_SECONDS)


def clock_difference(info: TimestampInfo, asked_ms: int, now_ms: int) -> int:
    """How far (ms) a token's time lies outside what our clock said between asking and now; 0 if it fits.

    A difference is shown and the token is recorded all the same: what counts is the authority's time, and it is the
    operator's clock that is only claimed. Refusing would let an operator with a wrong clock keep the log undated.
    """
    if info.latest_ms < asked_ms:
        return info.latest_ms - asked_ms
    return max(0, info.earliest_ms - now_ms)


@dataclass(slots=True)
class _Standing:
    """One authority's mutable state: its status, and our clock's time (ms) of the last attempt that failed."""

    status: AuthorityStatus
    lock: threading.Lock = field(default_factory=threading.Lock)


class Timestamping:
    """Asks every authority when it is due, each in its own thread, until stopped."""

    def __init__(
        self,
        authorities: Sequence[Authority],
        *,
        newest_checkpoint: Callable[[], tuple[str, int] | None],
        entries_since: Callable[[int], bool],
        record: Callable[[str, str, bytes], int],
        clock: Callable[[], int],
        last_tokens: Mapping[str, LastToken] | None = None,
        turn: Callable[[str], AbstractContextManager[Turn | None]] = undisputed,
        interval: float = INTERVAL_SECONDS,
        idle_interval: float = IDLE_INTERVAL_SECONDS,
    ) -> None:
        """What is handed in is called from several threads.

        `newest_checkpoint()`: (note text with its final newline, size) of the newest durably kept checkpoint, or None.
        `entries_since(size)`: whether the log has an entry other than timestamp.recorded at an index ≥ size.
        `record(authority, stamped text, DER)`: append timestamp.recorded, return its index once it is durable.
        `clock()`: milliseconds since 1970 (UTC). `last_tokens`: by name, from the log; without it each authority is
        asked at start. `turn(authority)`: our turn at it among the processes on this log, or None while it is
        another's. Intervals are in seconds.

        Raises ConfigError on two authorities of one name, or an interval that is not positive.
        """
        if len({authority.name for authority in authorities}) != len(authorities):
            raise ConfigError("setting up timestamps: expected authorities with different names, got one name twice")
        if interval <= 0 or idle_interval <= 0:
            raise ConfigError(f"setting up timestamps: expected intervals above 0 s, got {interval}, {idle_interval}")
        self._authorities = tuple(authorities)
        self._newest_checkpoint = newest_checkpoint
        self._entries_since = entries_since
        self._record = record
        self._clock = clock
        self._turn = turn
        self._interval = interval
        self._idle_interval = idle_interval
        last = last_tokens or {}
        self._standing = {each.name: _Standing(status_from(each.name, last.get(each.name))) for each in authorities}
        self._stopping = threading.Event()
        self._recording = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start a daemon thread for each authority. Once only."""
        if self._threads or self._stopping.is_set():
            raise ConfigError("starting timestamps: expected to be started once, got a second start")
        for authority in self._authorities:
            name = f"timestamps-{authority.name}"
            thread = threading.Thread(target=self._run, args=(authority,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop asking, within STOP_SECONDS unless a token is just being appended. Afterwards nothing is recorded.

        An authority that has not answered yet keeps its daemon thread until its own time-out; its answer is dropped.
        """
        self._stopping.set()
        with self._recording:  # wait for an append under way: its caller is about to close the log
            pass
        share = STOP_SECONDS / max(1, len(self._threads))
        for thread in self._threads:
            thread.join(share)

    def status(self) -> list[AuthorityStatus]:
        """How it stands with each authority, in the order in which they were configured."""
        now_ms = self._clock()
        return [with_end(self._standing[authority.name].status, now_ms) for authority in self._authorities]

    def ask_if_due(self, authority: Authority) -> bool:
        """Ask one authority if it is due; return whether a token was recorded. Failures go to `status()`."""
        standing = self._standing[authority.name]
        with standing.lock:
            now_ms = self._clock()
            try:
                if self._due_checkpoint(standing.status, now_ms) is None:
                    return False
                with self._turn(authority.name) as turn:
                    return turn is not None and self._ask_in_turn(authority, standing, turn, now_ms)
            except Exception as error:  # whatever an authority or the log does, the thread lives on, and says so
                self._failed(authority, standing, error)
                return False

    def _ask_in_turn(self, authority: Authority, standing: _Standing, turn: Turn, now_ms: int) -> bool:
        """Ask, unless another process has a token of it meanwhile. While we have the turn, none comes."""
        standing.status = caught_up(standing.status, turn.last)
        checkpoint = self._due_checkpoint(standing.status, now_ms)
        return checkpoint is not None and self._ask(authority, standing, checkpoint, now_ms)

    def _due_checkpoint(self, status: AuthorityStatus, now_ms: int) -> tuple[str, int] | None:
        """Return the checkpoint to stamp, or None where it is not time."""
        if status.failures and status.last_error_ms is not None:
            waited = (now_ms - status.last_error_ms) / 1000
            if 0 <= waited < backoff(status.failures):
                return None
        last = None if status.last_success_ms is None else status.last_success_ms / 1000
        # The log is asked for new entries only where that can decide.
        if not due(now_ms / 1000, last, True, self._interval, self._idle_interval):
            return None
        checkpoint = self._newest_checkpoint()
        if checkpoint is None or checkpoint[1] < 1:
            return None  # FORMATS §5: what is stamped has size ≥ 1
        stamped = status.stamped_size or 0
        # Committed but not yet signed entries are not in this checkpoint: stamping it again would not cover them.
        grown = checkpoint[1] > stamped and self._entries_since(stamped)
        return checkpoint if due(now_ms / 1000, last, grown, self._interval, self._idle_interval) else None

    def _ask(self, authority: Authority, standing: _Standing, checkpoint: tuple[str, int], asked_ms: int) -> bool:
        text, size = checkpoint
        response, info = authority.ask(text.encode("utf-8"))
        difference = clock_difference(info, asked_ms, self._clock())
        if abs(difference) > CLOCK_TOLERANCE_MS:
            _log.warning("authority %s: its clock and ours differ by %d ms", authority.name, difference)
        with self._recording:
            if self._stopping.is_set():
                return False  # the log may be closed by now; the next run asks again
            index = self._record(authority.name, text, response)
        standing.status = replace(
            standing.status,
            last_success_ms=self._clock(),
            stamped_size=size,
            last_index=index,
            failures=0,
            signer_ends_ms=info.signer_ends_ms,
            clock_difference_ms=difference,
        )
        return True

    def _failed(self, authority: Authority, standing: _Standing, error: Exception) -> None:
        failures = standing.status.failures + 1
        came = str(error) or type(error).__name__
        standing.status = replace(standing.status, last_error=came, last_error_ms=self._clock(), failures=failures)
        _log.warning(
            "timestamp authority %s failed (%d in a row, next try in %g s): %s",
            authority.name,
            failures,
            backoff(failures),
            came,
            exc_info=None if isinstance(error, LedgerError) else error,
        )

    def _run(self, authority: Authority) -> None:
        pause = min(POLL_SECONDS, self._interval)
        while not self._stopping.is_set():
            self.ask_if_due(authority)
            self._stopping.wait(pause)
