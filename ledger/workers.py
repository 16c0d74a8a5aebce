"""The work beside the flow: asking timestamp authorities and logging their tokens, forgetting old keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread

from ledger.attest.authorities import DEVELOPMENT_NAME, Anchors
from ledger.attest.development_tsa import DevelopmentAuthority
from ledger.attest.rfc3161_token import TimestampInfo, parse_response
from ledger.attest.schedule import Authority, LastToken, Timestamping, Turn
from ledger.attest.tsa_client import request_timestamp
from ledger.casework.desk import Desk
from ledger.clock import Clock
from ledger.commit.prepared import Prepared, row_values
from ledger.commit.sequencer import Sequencer
from ledger.config import AuthoritySetting, Settings
from ledger.entry.leaf import parse_leaf, parse_time
from ledger.entry.text_encodings import encode_base64
from ledger.errors import CorruptError, LedgerError, UnavailableError
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.case_contracts import CaseStore
from ledger.store.contracts import LogStore
from ledger.store.log_rows import TimestampRow
from ledger.store.turns import Turns

KEYS_SWEEP_SECONDS = 3_600.0
"""How often idempotency keys past their lifetime are dropped."""

ERASURES_SECONDS = 60.0
"""How often an erasure that failed half way is tried again."""

BLOBS_SECONDS = 600.0
"""How often the store of blobs is looked after. A store that was down at the start is, within this time."""

LAPSE_SECONDS = 20.0
"""How often terms that passed are looked for: a term is days long, and its end is on record within half a minute."""

LAPSE_AT_ONCE = 500
"""Terms that are recorded in one round, so that a long downtime does not hold up its end."""

REMEMBER_SECONDS = 1.0
"""How often some of the log's tiles are read for the proofs to come, and how long after the start that begins."""

REMEMBER_TILES = 128
"""Tiles read in one round, some 30 ms of one core: those of ten million entries in five minutes."""

_DAY_MS = 24 * 3_600 * 1_000
_log = logging.getLogger(__name__)


def make_timestamping(
    settings: Settings,
    store: LogStore,
    sequencer: Sequencer,
    clock: Clock,
    development: DevelopmentAuthority,
    anchors: Mapping[str, Anchors],
    turns: Turns,
) -> Timestamping:
    """The schedule over the configured authorities, or over the embedded one where none is. Of several processes, one
    at a time asks an authority.
    """
    authorities = [_remote(setting, anchors[setting.name]) for setting in settings.tsa]
    authorities = authorities or [Authority(DEVELOPMENT_NAME, development.stamp)]

    def newest_checkpoint() -> tuple[str, int] | None:
        newest = store.newest_checkpoint()
        return None if newest is None or newest[0] == 0 else (parse_note(newest[1]).text, newest[0])

    def record(authority: str, stamped: str, token: bytes) -> int:
        return record_token(store, sequencer, authority, stamped, token)

    @contextmanager
    def turn(authority: str) -> Iterator[Turn | None]:
        with turns.take(f"timestamps of {authority}") as mine:
            yield Turn(_last_token(store, authority)) if mine else None

    last = {each.name: found for each in authorities if (found := _last_token(store, each.name)) is not None}
    return Timestamping(
        authorities,
        newest_checkpoint=newest_checkpoint,
        entries_since=store.other_entries_since,
        record=record,
        clock=clock.now_ms,
        last_tokens=last,
        turn=turn,
        interval=settings.tsa_interval,
        idle_interval=max(settings.tsa_interval, 3_600),
    )


def record_token(store: LogStore, sequencer: Sequencer, authority: str, stamped: str, token: bytes) -> int:
    """Log a checked token as `timestamp.recorded` on the system chain. Returns the entry's index, once it is
    durable.
    """
    info = parse_response(token).unverified
    prepared = Prepared(
        system_chain(store),
        "timestamp.recorded",
        public={"stamped": stamped, "token": encode_base64(token)},
        rows=row_values([TimestampRow(0, authority, parse_checkpoint(stamped).size, info.gen_time_ms)]),
    )
    return sequencer.append([prepared])[0].index


def system_chain(store: LogStore) -> str:
    """The chain of entry 0. Raises CorruptError where there is none."""
    opened = store.entry(0)
    if opened is None:
        raise CorruptError("read entry 0: the log has none")
    return opened.chain


def _remote(setting: AuthoritySetting, anchors: Anchors) -> Authority:
    def ask(data: bytes) -> tuple[bytes, TimestampInfo]:
        return request_timestamp(setting.url, data, anchors.certificates)

    return Authority(setting.name, ask)


def _last_token(store: LogStore, authority: str) -> LastToken | None:
    row = store.last_timestamp(authority)
    entry = None if row is None else store.entry(row.index)
    if row is None or entry is None:
        return None
    return LastToken(parse_time(parse_leaf(entry.leaf).time), row.size, row.index)


class Periodic:
    """Work that is done now and then, in a thread of its own. `work` returns whether it should go on at once."""

    def __init__(self, name: str, seconds: float, work: Callable[[Event], bool], *, first: float) -> None:
        self._seconds = seconds
        self._first = first
        self._work = work
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, once what is being done is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._stopping.wait(wait):
            wait = self._seconds
            try:
                if self._work(self._stopping):
                    wait = 0.0
            except LedgerError as error:
                _log.warning("%s: not done, tried again in %d s: %s", self._thread.name, self._seconds, error)


def forgetting_keys(store: LogStore, clock: Clock, days: int) -> Periodic:
    """Drops idempotency keys past their lifetime."""

    def forget(_stopping: Event) -> bool:
        store.forget_replays(clock.now_ms() - days * _DAY_MS)
        return False

    return Periodic("forget old keys", KEYS_SWEEP_SECONDS, forget, first=KEYS_SWEEP_SECONDS)


def lapsing(store: CaseStore, desk: Desk, clock: Clock) -> Periodic:
    """Records that a demand's term has passed, first at once, for what passed while nothing was running."""

    def work(stopping: Event) -> bool:
        return lapse_due(store, desk, clock, stopping) == LAPSE_AT_ONCE

    return Periodic("record terms that passed", LAPSE_SECONDS, work, first=0.0)


def lapse_due(store: CaseStore, desk: Desk, clock: Clock, stopping: Event | None = None) -> int:
    """One round: `demand.lapsed` for each demand whose term has passed. Returns how many were recorded.

    Of several processes one records it; the others find it done.
    """
    lapsed = 0
    for demand in store.due_demands(clock.now_ms(), LAPSE_AT_ONCE):
        if stopping is not None and stopping.is_set():
            break
        try:
            lapsed += desk.lapse(demand.index)
        except LedgerError as error:  # one that cannot be recorded must not hold up the others
            _log.warning("the term of demand %d could not be recorded, tried again soon: %s", demand.index, error)
    return lapsed


def finishing_erasures(finish: Callable[[], int]) -> Periodic:
    """Carries out erasures that were recorded and cut short."""

    def work(_stopping: Event) -> bool:
        finish()
        return False

    return Periodic("finish erasures", ERASURES_SECONDS, work, first=ERASURES_SECONDS)


def tending_blobs(tend: Callable[[], None]) -> Periodic:
    """Takes away what dead writers left in the store of blobs, first at once; deletes what is retained no longer."""

    def work(_stopping: Event) -> bool:
        tend()
        return False

    return Periodic("tend the store of blobs", BLOBS_SECONDS, work, first=0.0)


def remembering_nodes(remember: Callable[[int], bool]) -> Periodic:
    """Reads tiles ahead, so that a proof of an old entry in a large log costs little more than in a small one."""

    def work(_stopping: Event) -> bool:
        with suppress(UnavailableError):  # nothing is missing, and each second would have its line in the log
            remember(REMEMBER_TILES)
        return False

    return Periodic("remember nodes", REMEMBER_SECONDS, work, first=REMEMBER_SECONDS)
