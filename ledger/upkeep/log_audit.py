"""The log itself: leaves, tree, tiles, checkpoints and chains, from what its stretches gave (ledger.upkeep.log_piece).

leaf hashes ── roots of full tiles ─┬─ tiles of the levels above
                                    ├─ each checkpoint's root
                                    └─ head: root, frontier
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from ledger.commit.signer import CheckpointSigner
from ledger.entry.leaf import parse_leaf
from ledger.errors import LedgerError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import EMPTY_ROOT, hash_children
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TILE_WIDTH, split_hashes
from ledger.note.keys import format_vkey
from ledger.store.audit_rows import AuditRows
from ledger.store.case_contracts import CaseStore
from ledger.store.log_rows import Head
from ledger.upkeep.chain_links import LINK, ChainEnd, join_links
from ledger.upkeep.finding import Finding, Progress
from ledger.upkeep.log_piece import LogPiece, LogPieceFound, SignedSize, check_log_piece
from ledger.upkeep.processes import Processes
from ledger.upkeep.spill import Spill

_PHASE = "log"


class LogAudit:
    """One audit of the log below `head`, which was read before anything else."""

    def __init__(self, store: CaseStore, rows: AuditRows, signer: CheckpointSigner, head: Head) -> None:
        self._store = store
        self._rows = rows
        self._signer = signer
        self._head = head
        self._upper = OpenTiles()  # the tree over the roots of full tiles: its level 0 is the log's level 8
        self._rest: list[bytes] = []

    def findings(
        self, processes: Processes[AuditRows], ranges: Sequence[range], progress: Progress
    ) -> Iterator[Finding]:
        """All that is wrong with the log. `ranges`: of indexes, each beginning at a full tile, together all of them."""
        vkeys = tuple(map(format_vkey, self._signer.vkeys))
        system = self._system_chain()
        pieces = [LogPiece(each.start, each.stop, vkeys, system) for each in ranges]
        with Spill(LINK.size) as links:
            for piece, found in zip(pieces, processes.map(check_log_piece, pieces), strict=True):
                yield from self._take(found)
                links.add(found.links)
                progress(_PHASE, piece.end, self._head.size)
                if found.missing is not None:
                    return  # nothing behind a gap can be derived
            yield from self._end()
            yield from self._chains(links)

    def _system_chain(self) -> bytes:
        first = self._store.entry(0)
        try:
            return b"" if first is None else bytes.fromhex(parse_leaf(first.leaf).chain)
        except LedgerError:
            return b""  # entry 0 is reported where it is walked

    def _take(self, found: LogPieceFound) -> Iterator[Finding]:
        yield from (Finding(where, what) for where, what in found.findings)
        roots, taken = split_hashes(found.roots), 0
        begun = self._upper.size
        for signed in found.signed:
            tiles = max(signed.size, 0) // TILE_WIDTH - begun
            yield from self._grow(roots[taken:tiles])
            taken = max(taken, tiles)
            yield from self._signed(signed)
        yield from self._grow(roots[taken:])
        self._rest = split_hashes(found.rest)

    def _grow(self, roots: Sequence[bytes]) -> Iterator[Finding]:
        if not roots:
            return
        grown = self._upper.append(roots)
        self._upper = grown.tiles
        for tile, data in grown.full:
            where = f"tile {tile.level + 1}/{tile.index}"
            stored = self._store.tile(tile.level + 1, tile.index)
            if stored is None:
                yield Finding(where, "it is missing")
            elif stored != data:
                yield Finding(where, "its hashes are not the entries'")

    def _signed(self, signed: SignedSize) -> Iterator[Finding]:
        if signed.signed_size != signed.size or signed.root != self._root(signed.rest):
            what = "the entries do not give the root that was signed"
            yield Finding(f"checkpoint {signed.size}", what, (signed.text,))

    def _root(self, rest: bytes | None) -> bytes:
        """The root of the tree of all full tiles so far and the leaves behind them."""
        hashes = [*self._upper.frontier.hashes, *([] if rest is None else [rest])]
        return reduce(lambda right, left: hash_children(left, right), reversed(hashes)) if hashes else EMPTY_ROOT

    def _end(self) -> Iterator[Finding]:
        open_tile = Frontier().append_all(self._rest)
        size = self._store.head().size  # read after the tiles: a server stores them together with the head
        for level, index in self._rows.stray_tiles(self._head.size):
            if not 0 <= (index + 1) << 8 * (max(level, 0) + 1) <= size or index < 0 or level < 0:
                yield Finding(f"tile {level}/{index}", "it stands for entries that do not exist")
        if self._root(open_tile.root() if open_tile.size else None) != self._head.root:
            yield Finding("head", f"the entries do not give its root at size {self._head.size}")
        elif b"".join((*self._upper.frontier.hashes, *open_tile.hashes)) != self._head.frontier:
            yield Finding("head", "its frontier is not the entries'")
        newest = self._store.newest_checkpoint()
        if newest is not None and newest[0] > self._head.size and self._store.head() == self._head:
            yield Finding(f"checkpoint {newest[0]}", f"it was signed, and the head has only {self._head.size} entries")

    def _chains(self, links: Spill) -> Iterator[Finding]:
        """Each chain's record of each stretch, and the table of their ends: both ascending, met in the middle."""
        stored = self._rows.chains()
        row = next(stored, None)
        for part in links.parts():
            for end, problems in join_links(part):
                yield from (Finding(f"entry {index}", what) for index, what in problems)
                while row is not None and row[0] < end.chain:
                    yield from self._chain_of_nobody(row)
                    row = next(stored, None)
                if row is None or row[0] != end.chain:
                    yield Finding(f"chain {end.chain.hex()}", "its row is missing")
                else:
                    yield from self._chain(end, row)
                    row = next(stored, None)
        while row is not None:
            yield from self._chain_of_nobody(row)
            row = next(stored, None)

    def _chain(self, end: ChainEnd, row: tuple[object, ...]) -> Iterator[Finding]:
        _, length, acts, index, leaf_hash = row
        if (length, acts, index, leaf_hash) == (end.length, end.acts, end.index, end.leaf_hash):
            return
        if not self._moved(index):
            what = f"its row says length {length}, the entries say {end.length}"
            if length == end.length:
                what = f"its row says length {length}, and another end than the entries"
            yield Finding(f"chain {end.chain.hex()}", what)

    def _chain_of_nobody(self, row: tuple[object, ...]) -> Iterator[Finding]:
        if not self._moved(row[3]):
            yield Finding(f"chain {bytes(row[0]).hex()}", "it has a row and no entries")  # type: ignore[call-overload]

    def _moved(self, index: object) -> bool:
        """Whether an entry that a server appended meanwhile stands there. Asked after the chain was read: an end beyond
        the last entry belongs to no entry, not even to one that is appended now.
        """
        return isinstance(index, int) and self._head.size <= index <= self._store.last_index()
