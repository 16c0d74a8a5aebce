"""Derive everything again from the entries, and say what does not agree: `fsck` believes no table but `entries`.

    file       SQLite's own check of its pages and indexes
    log        leaves ─┬─ tree ── tiles, frontier, head, every checkpoint's root and signatures
                       └─ chains ── prev, seq, the chains' ends
    contents   commitments ── secrets and openings, every table that is made from them; tokens
    files      the evidence that is held, digested again

It reads only, and may run beside a server: what is appended meanwhile is not looked at. The log is cut into stretches,
which processes on every core derive; memory does not grow with the number of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

from ledger.blobs.contract import BlobStore
from ledger.blobs.opening import open_blobs
from ledger.clock import SystemClock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.note_slots import checkpoint_of, damaged_slots
from ledger.commit.recovery import check_against, check_edge, check_last
from ledger.commit.signer import CheckpointSigner
from ledger.config import Settings
from ledger.errors import LedgerError, RolledBackError
from ledger.keys.key_folder import KeyFolder
from ledger.merkle.tiles import TILE_WIDTH
from ledger.store.audit_rows import AuditRows
from ledger.store.case_contracts import CaseStore
from ledger.store.contracts import LogStore
from ledger.store.log_rows import Head
from ledger.store.sql_store import SqlStore
from ledger.upkeep.contents_audit import audit_contents
from ledger.upkeep.file_audit import audit_files
from ledger.upkeep.finding import Finding, Progress
from ledger.upkeep.forks import can_fork
from ledger.upkeep.log_audit import LogAudit
from ledger.upkeep.processes import Processes, cores

__all__ = ["PHASES", "Finding", "fsck"]

PHASES: Final = ("file", "log", "contents", "files")
"""What is looked at, in this order."""

STRETCH_MAX: Final = 256 * TILE_WIDTH
"""Entries of the longest stretch: its chains and results stay some tens of megabytes."""

STRETCH_MIN: Final = 16 * TILE_WIDTH
"""Entries of the shortest one that is worth a process: a fraction of a second's work, as long as one takes to start."""

STARTED_MIN: Final = 1024 * TILE_WIDTH
"""Entries of the shortest log whose leaves and tree are worth processes that are started anew: a second's work."""

_STRETCHES_PER_CORE: Final = 8  # so that none is idle for long at the end


def fsck(
    settings: Settings,
    only: Collection[str] = PHASES,
    progress: Progress | None = None,
    processes: int | None = None,
    *,
    may_fork: bool = False,
) -> Iterator[Finding]:
    """Every finding, as it is found; none means sound.

    `only`: which of `PHASES`; the right edge, the kept and the served checkpoint are always looked at. `processes`: one
    a core unless told otherwise; a short log is checked without any. `may_fork`: nobody else in this process has this
    ledger open, so that copies of it do no harm, which are up at once. Raises ConfigError where the ledger cannot be
    opened at all.
    """
    with ExitStack() as stack:
        store = SqlStore.open(settings.database)
        stack.callback(store.close)
        # The head is read before anything else: whatever a running server appends later lies beyond it.
        head = store.head()
        ranges = _ranges(head.size, cores() if processes is None else processes)
        rows = AuditRows(store.engine)
        if processes is None:
            worth_it = head.size >= STARTED_MIN or "contents" in only or (may_fork and can_fork())
            processes = min(len(ranges), cores()) if worth_it else 0
        crew = stack.enter_context(Processes(partial(AuditRows.open, settings.database), rows, processes))
        if may_fork:
            store.engine.dispose()  # no connection is open in the copies, and no key is known to them yet
            crew.fork()
        signers = KeyFolder(settings.data / "keys").log_signers(settings.origin)
        signer = CheckpointSigner(settings.origin, *signers, KeptCheckpoint(settings.kept), SystemClock())
        blobs = open_blobs(settings)
        stack.callback(blobs.close)
        audit = _Fsck(store, rows, signer, blobs, crew, progress or _unwatched)
        yield from audit.findings(head, ranges, only)


def _ranges(size: int, processes: int) -> list[range]:
    """Stretches of the log: each begins at a full tile."""
    wanted = -(-size // (max(processes, 1) * _STRETCHES_PER_CORE))
    length = min(max(-(-wanted // TILE_WIDTH) * TILE_WIDTH, STRETCH_MIN), STRETCH_MAX)
    return [range(start, min(start + length, size)) for start in range(0, size, length)]


def _unwatched(_phase: str, _done: int, _total: int) -> None:
    pass


class _Fsck:
    def __init__(
        self, store: CaseStore, rows: AuditRows, signer: CheckpointSigner, blobs: BlobStore,
        processes: Processes[AuditRows], progress: Progress,
    ) -> None:  # fmt: skip
        self._store = store
        self._rows = rows
        self._signer = signer
        self._blobs = blobs
        self._processes = processes
        self._progress = progress

    def findings(self, head: Head, ranges: list[range], only: Collection[str]) -> Iterator[Finding]:
        # The log, derived, is compared with each tile, the head's root and its frontier. What a start would say of the
        # last of them (step 2) is asked beforehand only where the log is not derived, and afterwards if it is broken.
        early = check_last if "log" in only else check_edge
        edge = list(_guarded("the right edge", self._right_edge(head, early)))
        yield from edge
        yield from _guarded("the right edge", self._ends(head))
        for phase in PHASES:
            if phase in only:
                self._progress(phase, 0, head.size if phase in ("log", "contents") else 0)
                sound = True
                for finding in _guarded(phase, self._phase(phase, head, ranges)):
                    sound = False
                    yield finding
                if phase == "log" and not sound and not edge:
                    yield from _guarded("the right edge", self._right_edge(head, check_edge))

    def _phase(self, phase: str, head: Head, ranges: list[range]) -> Iterator[Finding]:
        match phase:
            case "file":
                return (Finding("database", what) for what in self._rows.damage())
            case "log":
                audit = LogAudit(self._store, self._rows, self._signer, head)
                return audit.findings(self._processes, ranges, self._progress)
            case "contents":
                return audit_contents(
                    self._store, self._rows, self._signer.origin, head.size, self._processes, ranges, self._progress
                )
            case _:
                return audit_files(self._rows, self._blobs, head.size, self._progress)

    def _ends(self, head: Head) -> Iterator[Finding]:
        yield from self._kept_checkpoint(head)
        yield from self._served_checkpoint(head)

    def _right_edge(self, head: Head, check: Callable[[LogStore, Head], object]) -> Iterator[Finding]:
        """What a start would refuse (ledger.commit.recovery, steps 1 and 2), without mending anything."""
        try:
            check(self._store, head)
        except LedgerError as error:
            # A server may have moved the head meanwhile; what is wrong before it is found again from the entries.
            if self._store.head() == head:
                yield Finding(error.where or "database", error.what)

    def _kept_checkpoint(self, head: Head) -> Iterator[Finding]:
        """Steps 3 and 4 of a start."""
        try:
            kept = self._signer.kept.read()
            if kept is None:
                yield Finding(str(self._signer.kept.path), "no checkpoint is kept: a rollback could not be seen")
                return
            for slot in damaged_slots(self._signer.kept.path.read_bytes()):
                what = f"slot {slot} of its two is damaged: by a loss of power, or by a hand; the other one is whole"
                yield Finding(str(self._signer.kept.path), what)
            self._continues(head, kept, "the kept checkpoint")
        except RolledBackError as error:
            yield Finding(error.where or "database", error.what, error.evidence)
        except LedgerError as error:
            yield Finding(error.where or "database", error.what)

    def _continues(self, head: Head, note: bytes, what: str) -> None:
        # It is signed once its head is committed: if it is newer than ours, the head has moved since.
        now = self._store.head()
        check_against(self._store, self._signer, now if now.size > head.size else head, note, what)

    def _served_checkpoint(self, head: Head) -> Iterator[Finding]:
        newest = self._store.newest_checkpoint()
        served = self._store.published()  # read second: it never moves back
        if newest is None:
            yield Finding("checkpoints", "none is stored")
        elif served is None:
            yield Finding("published", "the checkpoint that is to be served is not stored")
        else:
            if served[0] < newest[0]:
                yield Finding("published", f"a checkpoint of size {served[0]} is served, the newest has {newest[0]}")
            try:
                self._continues(head, served[1], "the served checkpoint")
                if (said := checkpoint_of(served[1]).size) != served[0]:
                    yield Finding(
                        "published", f"the checkpoint that is served has size {said}, its row says {served[0]}"
                    )
            except LedgerError as error:
                yield Finding("published", error.what, error.evidence if isinstance(error, RolledBackError) else ())


def _guarded(phase: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot be read is a finding: it must not keep the other phases from looking."""
    try:
        yield from findings
    except LedgerError as error:
        yield Finding(error.where or "database", f"{phase}: it could not be checked to the end: {error.what}")
    except TypeError as error:
        # SQLite keeps a text where bytes belong; no row that we wrote has one.
        yield Finding("database", f"{phase}: a row holds a value of another type than its column: {error}")
