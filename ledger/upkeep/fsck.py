"""Derive everything again from the entries, and say what does not agree: `fsck` believes no table but `entries`.

    entries ─ leaves ─┬─ tree ── tiles, frontier, head, every checkpoint's root
                      ├─ chains ── prev, seq, the chains' ends
                      ├─ commitments ── secrets and openings, the look-up table of evidence, the stored files
                      └─ tokens ── what was stamped is what was signed

It reads only, and may run beside a server: what is appended meanwhile is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.clock import SystemClock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.recovery import check_against, check_edge
from ledger.commit.signer import CheckpointSigner
from ledger.config import Settings
from ledger.errors import LedgerError, NotFoundError, RolledBackError
from ledger.keys.key_folder import KeyFolder
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TileId
from ledger.note.signed_note import parse_note
from ledger.store.case_contracts import CaseStore
from ledger.store.contracts import EvidenceRow, Head, LogStore
from ledger.store.sql_store import SqlStore
from ledger.upkeep.entry_audit import EntryAudit

APPEND_ENTRIES = 1_024
"""Leaves hashed into the tree at a time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: where, and what. `evidence`: contradicting checkpoints, if any."""

    where: str
    what: str
    evidence: tuple[str, ...] = ()


def fsck(settings: Settings) -> Iterator[Finding]:
    """Every finding, as it is found; none means sound. Raises ConfigError where the ledger cannot be opened at all."""
    store = SqlStore.open(settings.database)
    try:
        signers = KeyFolder(settings.data / "keys").log_signers(settings.origin)
        signer = CheckpointSigner(settings.origin, *signers, KeptCheckpoint(settings.kept), SystemClock())
        # The head is read before anything else: whatever a running server appends later lies beyond it.
        yield from _Fsck(store, signer, DirectoryBlobs(settings.blobs)).findings(store.head())
    finally:
        store.close()


class _Fsck:
    def __init__(self, store: CaseStore, signer: CheckpointSigner, blobs: DirectoryBlobs) -> None:
        self._store = store
        self._signer = signer
        self._blobs = blobs

    def findings(self, head: Head) -> Iterator[Finding]:
        yield from self._right_edge(head)
        yield from self._kept_checkpoint(head)
        yield from self._served_checkpoint()
        yield from self._rederive(head)
        yield from self._stored_files(head)

    def _right_edge(self, head: Head) -> Iterator[Finding]:
        """What a start would refuse (ledger.commit.recovery, steps 1 and 2), without mending anything."""
        try:
            check_edge(self._store, head)
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
            # It is kept once its head is committed: if it is newer than ours, the head has moved since.
            now = self._store.head()
            check_against(self._store, self._signer, now if now.size > head.size else head, kept, "the kept checkpoint")
        except RolledBackError as error:
            yield Finding(error.where or "database", error.what, error.evidence)
        except LedgerError as error:
            yield Finding(error.where or "database", error.what)

    def _served_checkpoint(self) -> Iterator[Finding]:
        newest = self._store.newest_checkpoint()
        served = self._store.published()  # read second: it is stored together with the newest, and never moves back
        if newest is None:
            yield Finding("checkpoints", "none is stored")
        elif served is None:
            yield Finding("published", "the checkpoint that is to be served is not stored")
        elif served[0] < newest[0]:
            yield Finding("published", f"a checkpoint of size {served[0]} is served, the newest has {newest[0]}")

    def _rederive(self, head: Head) -> Iterator[Finding]:
        audit = EntryAudit(self._store)
        tree = _TreeAudit(self._store, self._signer, head)
        hashes: list[bytes] = []
        expected = 0
        for row, opening in self._store.scan():
            if row.index >= head.size:
                break
            while expected < row.index:
                yield Finding(f"entry {expected}", "it is missing")
                return  # nothing behind a gap can be derived
            for what in audit.check(row, opening):
                yield Finding(f"entry {row.index}", what)
            hashes.append(audit.leaf_hash(row.leaf))
            expected += 1
            if len(hashes) == APPEND_ENTRIES:
                yield from tree.grow(hashes)
                hashes = []
        yield from tree.grow(hashes)
        if expected < head.size:
            yield Finding(f"entry {expected}", f"it is missing: the head counts {head.size} entries")
            return
        yield from tree.finish()
        for where, what in audit.finish(head.size):
            yield Finding(where, what)

    def _stored_files(self, head: Head) -> Iterator[Finding]:
        """Every file that we hold, read again. The same blob under several entries is read once."""
        seen: set[bytes] = set()
        for row in self._store.stored_evidence():
            if row.index >= head.size or not row.stored or row.sha256 is None or row.sha256 in seen:
                continue
            seen.add(row.sha256)
            yield from self._stored_file(row, row.sha256)

    def _stored_file(self, row: EvidenceRow, sha256: bytes) -> Iterator[Finding]:
        where = f"file of entry {row.index} ({sha256.hex()})"
        try:
            size = self._blobs.check(sha256).size
            if size != row.size:
                yield Finding(where, f"it has {size} bytes, {row.size} were received")
        except NotFoundError:
            yield Finding(where, "it is missing")
        except LedgerError as error:
            yield Finding(where, error.what)


class _TreeAudit:
    """Grows the tree again and compares tiles, checkpoints, frontier and head with what is stored."""

    def __init__(self, store: LogStore, signer: CheckpointSigner, head: Head) -> None:
        self._store = store
        self._signer = signer
        self._head = head
        self._tree = OpenTiles()
        self._notes = store.checkpoints()
        self._next = next(self._notes, None)
        self._stored_tiles = {(row.level, row.index) for row in store.tiles()}

    def _within(self, level: int, index: int, size: int) -> bool:
        return (index + 1) << 8 * (level + 1) <= size

    def grow(self, hashes: list[bytes]) -> Iterator[Finding]:
        """Append leaf hashes, stopping at each size that was signed."""
        while hashes:
            yield from self._checkpoints_here()
            signed = self._head.size if self._next is None else min(self._next[0], self._head.size)
            step = len(hashes) if signed <= self._tree.size else min(len(hashes), signed - self._tree.size)
            grown = self._tree.append(hashes[:step])
            self._tree, hashes = grown.tiles, hashes[step:]
            for tile, data in grown.full:
                yield from self._tile(tile, data)

    def finish(self) -> Iterator[Finding]:
        yield from self._checkpoints_here()
        size = self._store.head().size  # read after the tiles: a server stores them together with the head
        for level, index in sorted(self._stored_tiles):
            if self._within(level, index, self._head.size) or not self._within(level, index, size):
                yield Finding(f"tile {level}/{index}", "it stands for entries that do not exist")
        if self._tree.frontier.root() != self._head.root:
            yield Finding("head", f"the entries do not give its root at size {self._head.size}")
        elif self._tree.frontier.to_bytes() != self._head.frontier:
            yield Finding("head", "its frontier is not the entries'")
        if self._next is not None and self._next[0] > self._head.size and self._store.head() == self._head:
            yield Finding(
                f"checkpoint {self._next[0]}", f"it was signed, and the head has only {self._head.size} entries"
            )

    def _tile(self, tile: TileId, data: bytes) -> Iterator[Finding]:
        self._stored_tiles.discard((tile.level, tile.index))
        stored = self._store.tile(tile.level, tile.index)
        if stored is None:
            yield Finding(f"tile {tile.level}/{tile.index}", "it is missing")
        elif stored != data:
            yield Finding(f"tile {tile.level}/{tile.index}", "its hashes are not the entries'")

    def _checkpoints_here(self) -> Iterator[Finding]:
        while self._next is not None and self._next[0] <= self._tree.size:
            size, note = self._next
            self._next = next(self._notes, None)
            try:
                checkpoint = self._signer.check(note)
            except LedgerError as error:
                yield Finding(f"checkpoint {size}", f"it is not one of this log: {error.what}")
                continue
            if checkpoint.size != size or checkpoint.root != self._tree.frontier.root():
                yield Finding(
                    f"checkpoint {size}", "the entries do not give the root that was signed", (parse_note(note).text,)
                )
