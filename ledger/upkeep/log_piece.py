"""One stretch of the log derived again from its leaves: hashes, tiles of the lowest level, checkpoints, chains.

Stretches begin at full tiles, so each gives the roots of its tiles without knowing any other; whoever has them all has
the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.errors import LedgerError, UnavailableError
from ledger.garbage import no_search_for_cycles
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaves
from ledger.merkle.tiles import TILE_WIDTH, tile_roots
from ledger.note.checkpoint import check_checkpoint
from ledger.note.keys import parse_vkey
from ledger.store.audit_rows import INDEX_MIN, AuditRows
from ledger.upkeep.chain_links import ChainWalk
from ledger.upkeep.spill import sort_records

ROWS: Final = 16 * TILE_WIDTH
"""Entries read at a time: some 3 MB."""


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Entries [start, end); `start` is a multiple of 256. `vkeys`: the log's keys as texts. `system`: its chain."""

    start: int
    end: int
    vkeys: tuple[str, ...]
    system: bytes


@dataclass(slots=True)
class SignedSize:
    """A checkpoint with good signatures. `rest`: the root over the leaves behind the last full tile of its tree."""

    size: int
    signed_size: int
    root: bytes
    text: str
    rest: bytes | None


@dataclass(slots=True)
class LogPieceFound:
    """What came of a piece. `roots`: of its full tiles, 32 bytes each; `rest`: leaf hashes behind the last one;
    `links`: the chains' records by part. `missing`: the first entry that is not there; nothing behind it was looked at.
    """

    roots: bytes = b""
    rest: bytes = b""
    signed: list[SignedSize] = field(default_factory=list)
    links: dict[int, bytes] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    missing: int | None = None


def check_log_piece(rows: AuditRows, piece: LogPiece) -> LogPieceFound:
    """Derive a piece. What cannot be read is a finding like any other: a broken page must not hide the rest."""
    walk = _PieceWalk(rows, piece)
    try:
        with no_search_for_cycles():
            walk.run()
    except UnavailableError as error:
        walk.found.findings.append((f"entries {piece.start} to {piece.end - 1}", f"they cannot be read: {error.what}"))
        walk.found.missing = piece.start
    return walk.found


class _PieceWalk:
    def __init__(self, rows: AuditRows, piece: LogPiece) -> None:
        self.found = LogPieceFound()
        self._rows = rows
        self._piece = piece
        self._chains = ChainWalk(piece.system)
        self._vkeys = [parse_vkey(text) for text in piece.vkeys]
        self._tiles = rows.tiles(0, piece.start // TILE_WIDTH, piece.end // TILE_WIDTH)
        self._stored = next(self._tiles, None)

    def run(self) -> None:
        """Page by page; each begins at a full tile."""
        for start in range(self._piece.start, self._piece.end, ROWS):
            end = min(start + ROWS, self._piece.end)
            rows = self._rows.leaves(start, end)
            whole = self._without_gap(rows, start, end)
            hashes = _hash(rows)
            self._chains.walk(rows, hashes)
            if not whole:
                break
            self._sign(start, hashes)
            self._grow(start, hashes)
        self.found.links = sort_records(self._chains.records())
        self.found.findings += [(f"entry {index}", what) for index, what in self._chains.problems]

    def _without_gap(self, rows: list[Any], start: int, end: int) -> bool:
        """Whether all entries are there; what stands behind a gap is taken away."""
        if len(rows) == end - start:
            return True
        at = next((at for at, row in enumerate(rows) if row[0] != start + at), len(rows))
        self.found.missing = start + at
        self.found.findings.append((f"entry {start + at}", "it is missing"))
        del rows[at:]
        return False

    def _grow(self, start: int, hashes: Sequence[bytes]) -> None:
        full = len(hashes) // TILE_WIDTH
        for at in range(full):
            self._tile(start // TILE_WIDTH + at, b"".join(hashes[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]))
        self.found.roots += b"".join(tile_roots(hashes[: full * TILE_WIDTH]))
        self.found.rest = b"".join(hashes[full * TILE_WIDTH :])

    def _tile(self, index: int, data: bytes) -> None:
        while self._stored is not None and self._stored[0] < index:
            self._stored = next(self._tiles, None)
        if self._stored is None or self._stored[0] != index:
            self.found.findings.append((f"tile 0/{index}", "it is missing"))
        elif self._stored[1] != data:
            self.found.findings.append((f"tile 0/{index}", "its hashes are not the entries'"))

    def _sign(self, start: int, hashes: Sequence[bytes]) -> None:
        """The checkpoints of the sizes that these leaves (from `start` on) reach."""
        tile, open_tile = -1, Frontier()
        for size, note in self._rows.checkpoints(INDEX_MIN if start == 0 else start, start + len(hashes)):
            if max(size, 0) // TILE_WIDTH != tile:
                tile, open_tile = max(size, 0) // TILE_WIDTH, Frontier()
            first = tile * TILE_WIDTH - start
            open_tile = open_tile.append_all(hashes[max(first, 0) + open_tile.size : max(size - start, 0)])
            self._signed(size, note, open_tile.root() if open_tile.size else None)

    def _signed(self, size: int, note: bytes, rest: bytes | None) -> None:
        try:
            checkpoint = check_checkpoint(bytes(note), self._vkeys)
        except (LedgerError, TypeError) as error:  # bytes() refuses a text
            self.found.findings.append((f"checkpoint {size}", f"it is not one of this log: {error}"))
            return
        text = note.split(b"\n\n")[0].decode("utf-8", "replace") + "\n"
        self.found.signed.append(SignedSize(size, checkpoint.size, checkpoint.root, text, rest))


def _hash(rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
    try:
        return hash_leaves([row[4] for row in rows])
    except TypeError:  # a text where a leaf belongs: the walk says so
        return hash_leaves(row[4] if isinstance(row[4], bytes) else b"" for row in rows)
