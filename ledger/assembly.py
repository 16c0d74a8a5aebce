"""Where the rooms meet: one `Ledger`, as the API and the command line see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Literal

from ledger.attest.authorities import load_anchors, load_development_authority
from ledger.blobs.opening import open_blobs
from ledger.casework.access import AccessCodes
from ledger.casework.anchoring_right import AnchoringRight
from ledger.casework.desk import Desk
from ledger.casework.handout import FileView, Handout
from ledger.casework.people import Actor
from ledger.casework.projection import project
from ledger.casework.reading import SeenEntry
from ledger.casework.views import CaseView, EntryView, EvidenceView, LookupHit, MemberView
from ledger.clock import Clock, SystemClock
from ledger.commit.closed_sequencer import ClosedSequencer
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.measured import MeasuredPool, MeasuredSigner
from ledger.commit.sequencer import Sequencer
from ledger.commit.writer_lock import WriterLock
from ledger.config import Settings
from ledger.entry.text_encodings import decode_hex
from ledger.errors import ConfigError, NotFoundError
from ledger.keys.key_folder import KeyFolder
from ledger.merkle.entry_bundles import format_entry_bundle
from ledger.merkle.tiles import TILE_WIDTH, EntryBundleId, TileId, tile_width
from ledger.note.keys import format_vkey
from ledger.prove.bundle import BundleStream, EvidenceFile
from ledger.prove.bundle_builder import BundleBuilder, ShownEntry
from ledger.prove.parts import PartsBuilder
from ledger.prove.proof_builder import ProofBuilder
from ledger.prove.receipt_builder import build_receipt
from ledger.store.advisory_locks import AdvisoryLocks
from ledger.store.engine import Engine
from ledger.store.log_rows import EntryRow, OpeningRow
from ledger.store.measured_store import MeasuredStore
from ledger.store.stored_tiles import StoredTiles
from ledger.store.turns import Turns
from ledger.submit.acts import Acting
from ledger.submit.anchor_flow import Anchored, AnchorFlow
from ledger.submit.cores import Cores
from ledger.submit.extraction import Extraction
from ledger.submit.intake import Intake, Receiving
from ledger.submit.limits import Limits
from ledger.upkeep.condition import Condition
from ledger.upkeep.erase import Erased, Erasing
from ledger.upkeep.initialise import read_checkpoint
from ledger.upkeep.trust_copy import read_policy, trust_files
from ledger.workers import (
    finishing_erasures,
    forgetting_keys,
    lapsing,
    make_timestamping,
    remembering_nodes,
    tending_blobs,
)


class Ledger:
    """One process's ledger. Made by `open`; every method may be called from many threads."""

    def __init__(self, settings: Settings, store: MeasuredStore, clock: Clock) -> None:
        self.settings = settings
        self.limits = _limits(settings)
        self._store = store
        self._clock = clock
        self._keys = KeyFolder(settings.data / "keys")
        signers = self._keys.log_signers(settings.origin)
        kept = KeptCheckpoint(settings.kept)
        self.figures = store.figures
        self._signer = MeasuredSigner(settings.origin, *signers, kept, clock, figures=self.figures)
        pool = MeasuredPool(self.figures)
        self._sequencer = (ClosedSequencer if settings.closed else Sequencer)(store, self._signer, clock, pool)
        self._tiles = StoredTiles(store, lambda: self._sequencer.edge)
        proofs = ProofBuilder(store, self._tiles)
        self._parts = PartsBuilder(store, proofs)
        # Where several machines write, the database they share keeps them out of each other's way.
        self._blobs = blobs = open_blobs(settings, None if settings.embedded else AdvisoryLocks(store.engine))
        intake = Intake(blobs, self.limits)
        acting = Acting(self._sequencer, project)
        codes = AccessCodes(store, clock, days=settings.access_days)
        self._cores = Cores()
        self._flow = AnchorFlow(
            store,
            self._sequencer,
            intake,
            self.limits,
            self._submitter_receipts,
            project,
            codes.current,
            Extraction(blobs, self.limits) if settings.extract else None,
            self._cores,
        )
        self.desk = Desk(
            store,
            acting,
            clock,
            codes,
            demand_days=settings.demand_days,
            record_reads=settings.record_reads and not settings.closed,
        )
        self._right = AnchoringRight(self.desk.reader, clock)
        self._anchors = load_anchors(settings.data / "tsa", settings.tsa)
        self._development = load_development_authority(self._keys, clock)
        self._policy = read_policy(settings.policy, self._signer.vkeys)
        self._erasing = Erasing(store, blobs, self.desk)
        self._handout = Handout(self.desk.reader, blobs)
        self._bundles = BundleBuilder(self._parts, blobs, self.trust_files)
        self._timestamping = make_timestamping(
            settings, store, self._sequencer, clock, self._development, self._anchors, Turns(store.engine)
        )
        self._periodic = (
            forgetting_keys(store, clock, settings.keep_keys_days),
            lapsing(store, self.desk, clock),
            finishing_erasures(self._erasing.finish_all),
            tending_blobs(blobs.tend),
            remembering_nodes(proofs.remember),
        )
        self._lock: WriterLock | None = None
        self._condition = Condition(settings, store, self._sequencer, self._timestamping, blobs, clock)
        self.figures.watch(self._condition.state)

    @classmethod
    def open(cls, settings: Settings, accept_checkpoint: Path | None = None, clock: Clock | None = None) -> Ledger:
        """Open an existing log for writing and recover (ledger.commit.recovery).

        Raises RolledBackError with evidence, CorruptError, ConfigError; on SQLite also where another process writes.
        """
        accept = None if accept_checkpoint is None else read_checkpoint(accept_checkpoint)
        store = MeasuredStore.open(settings.database)
        lock = None
        try:
            if settings.synchronous_standby:
                store.require_standby()
            lock = WriterLock(store.sqlite_file) if store.sqlite_file is not None else None
            ledger = cls(settings, store, clock or SystemClock())
            ledger._lock = lock
            ledger._sequencer.start(accept)
            ledger._erasing.finish_all()
        except BaseException:
            store.close()
            if lock is not None:
                lock.release()
            raise
        return ledger

    def start(self) -> None:
        """Start the work beside the flow: timestamps, and what falls due, also while nobody was running. On a closed
        log nothing falls due any more.
        """
        if self.settings.closed:
            return
        self._timestamping.start()
        for each in self._periodic:
            each.start()

    def close(self) -> None:
        """Stop the work beside the flow, finish what waits, let go of the database. Loses nothing."""
        self._timestamping.stop()
        for each in self._periodic:
            each.stop()
        self._sequencer.close()
        self._cores.close()
        self._blobs.close()
        self._store.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def engine(self) -> Engine:
        """The database, for the API's account store."""
        return self._store.engine

    # --- cases -----------------------------------------------------------------------------------------------------

    def open_case(self, actor: Actor, title: str) -> CaseView:
        """A new case; who opens it is a member with role party."""
        return self.desk.open_case(actor, title)

    def add_member(self, actor: Actor, case: str, account: str, account_role: str, role: str) -> MemberView:
        """Let an account into a case. Nobody lands on two sides."""
        return self.desk.add_member(actor, case, account, account_role, role)

    def cases(self, actor: Actor, after: int, limit: int) -> list[CaseView]:
        return self.desk.queries.cases(actor, after, limit)

    def case(self, actor: Actor, case: str) -> CaseView:
        return self.desk.queries.case(actor, case)

    def timeline(self, actor: Actor, case: str, start_seq: int, limit: int) -> list[EntryView]:
        return self.desk.queries.timeline(actor, case, start_seq, limit)

    # --- anchoring -------------------------------------------------------------------------------------------------

    def check_may_anchor(self, actor: Actor, case: str) -> None:
        """Raises NotFoundError or ForbiddenError; asked before a body of 10 GiB is read."""
        self._right.check_lately(actor, case)

    def receive_file(self, declared_size: int | None = None) -> Receiving:
        """A file on its way in (ledger.submit.intake). Left without `anchor`, it leaves nothing."""
        return self._flow.receive(declared_size)

    def anchor(
        self,
        actor: Actor,
        case: str,
        statement: bytes,
        upload: Receiving | None,
        upload_name: str | None,
        key: str | None,
    ) -> Anchored:
        """Anchor a file, or without `upload` the digests in the statement. See AnchorFlow.anchor for what is raised."""
        allowed = partial(self._right.check, actor, case)
        acts = self._right.check_lately(actor, case) if upload is None else allowed()
        anchored = self._flow.anchor(actor.name, case, statement, upload, upload_name, key, allowed, acts)
        if upload is not None and not anchored.replayed:
            self.figures.stored_bytes.inc(upload.size)
        return anchored

    def anchor_batch(self, actor: Actor, case: str, lines: Sequence[bytes], key: str | None) -> list[Anchored]:
        """Anchor hash-only statements, all or none. Errors name the line."""
        return self._flow.anchor_lines(actor.name, case, lines, key, partial(self._right.check, actor, case))

    # --- what members see and carry away ---------------------------------------------------------------------------

    def evidence(self, actor: Actor, number: str) -> EvidenceView:
        view = self.desk.queries.evidence(actor, number)
        self.desk.record_read(actor, number, "view")
        return view

    def file(self, actor: Actor, number: str) -> FileView:
        view = self._handout.file(actor, number)
        self.desk.record_read(actor, number, "file")
        return view

    def receipt(self, actor: Actor, number: str) -> bytes:
        """The receipt as it stands now: the submitter's with the secret, the court's without."""
        seen, mine = self._handout.receipt(actor, number)
        return build_receipt(self._parts, seen.row, seen.opening, to_submitter=mine, opened=seen.open)

    def bundle(self, actor: Actor, number: str, with_file: bool) -> BundleStream:
        """The bundle of one entry, with what this member may see, and the file if this member may have it."""
        self.desk.record_read(actor, number, "bundle")
        seen, acts = self._handout.entry(actor, number)
        files = _files([seen]) if with_file else []
        return self._bundles.entry(_shown(seen), files, [_shown(act) for act in acts])

    def case_bundle(self, actor: Actor, case: str, with_files: bool = True) -> BundleStream:
        """The bundle of a whole case, with what this member may see."""
        seen = self._handout.case(actor, case)
        return self._bundles.case(case, [_shown(each) for each in seen], _files(seen) if with_files else [])

    def erase(self, actor: Actor, number: str, fields: Sequence[str] | Literal["all"], order: str) -> Erased:
        """Erase fields of a piece of evidence, or its file (`file`), on the court's order (ledger.upkeep.erase)."""
        return self._erasing.erase(actor, number, fields, order)

    def lookup(self, actor: Actor, sha256: str) -> list[LookupHit]:
        """Entries that commit this digest (64 hex digits, lower case), as far as the actor may see."""
        return self.desk.queries.lookup(actor, decode_hex(sha256, 32, "sha256"))

    # --- what everybody sees ---------------------------------------------------------------------------------------

    def checkpoint(self) -> bytes | None:
        """The published signed note; None before the first, and of a closed log: what it still has may be less than
        what was published, and would contradict those who hold receipts for the rest.
        """
        published = None if self.settings.closed else self._store.published()
        return None if published is None else published[1]

    def tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """A tile of the published tree. Raises NotFoundError for one that it does not have."""
        if not 0 < width <= tile_width(level, index, self._published_size()):
            raise NotFoundError("get a tile: the published tree does not have it")
        return self._tiles.read(TileId(level, index, width))

    def entry_tile(self, index: int, width: int = TILE_WIDTH) -> bytes:
        """An entry bundle of the published tree. Raises NotFoundError for one that it does not have."""
        if not 0 < width <= tile_width(0, index, self._published_size()):
            raise NotFoundError("get entries: the published tree does not have them")
        bundle = EntryBundleId(index, width)
        first = bundle.index * TILE_WIDTH
        return format_entry_bundle(self._store.leaves(first, first + bundle.width))

    def trust_files(self) -> dict[str, bytes]:
        """The trust folder as the operator states it: relative name to bytes."""
        return trust_files(self._policy, self._development, self._anchors)

    def log_vkeys(self) -> list[str]:
        """The log's verifier keys, Ed25519 first."""
        return [format_vkey(key) for key in self._signer.vkeys]

    def timestamp_reply(self, request_der: bytes) -> bytes:
        """The development authority's answer to any bytes: always a TimeStampResp."""
        return self._development.reply(request_der)

    # --- how it stands ---------------------------------------------------------------------------------------------

    def readiness(self) -> list[str]:
        """What keeps this process from taking submissions, in words; empty when nothing does."""
        return self._condition.readiness()

    def status(self) -> dict[str, object]:
        """Figures for operators: sizes, the pool, each authority's last token."""
        return self._condition.status()

    def _published_size(self) -> int:
        published = None if self.settings.closed else self._store.published()
        return 0 if published is None else published[0]

    def _submitter_receipts(self, entries: Sequence[tuple[EntryRow, OpeningRow]]) -> list[bytes]:
        """The receipts of entries that were there before, under one head that covers all of them."""
        head = self._parts.head_covering(max(row.index for row, _ in entries))
        return [build_receipt(self._parts, row, opening, to_submitter=True, head=head) for row, opening in entries]


def _limits(settings: Settings) -> Limits:
    unknown = settings.limits.keys() - {each.name for each in fields(Limits)}
    if unknown:
        raise ConfigError(f"read the settings: unknown {', '.join(sorted(unknown))}", "limits")
    return Limits(**settings.limits)


def _shown(seen: SeenEntry) -> ShownEntry:
    return ShownEntry(seen.row, seen.opening, seen.open)


def _files(seen: Sequence[SeenEntry]) -> list[EvidenceFile]:
    """The files that go with these entries: those which the viewer may have."""
    return [
        EvidenceFile(each.row.index, str(each.fields.get("file.name")), each.evidence.sha256)
        for each in seen
        if each.evidence is not None and each.evidence.sha256 is not None and each.file_visible
    ]
