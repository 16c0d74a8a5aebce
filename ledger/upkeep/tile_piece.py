"""One stretch of a log's public files derived again from its entry bundles: hashes, lowest tiles, chains.

Where a bundle and its tile disagree, the tile above says which of the two was changed: it holds the root of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.errors import MalformedError
from ledger.garbage import no_search_for_cycles
from ledger.merkle.entry_bundles import parse_entry_bundle
from ledger.merkle.hashing import HASH_SIZE, hash_leaves
from ledger.merkle.tiles import (
    TILE_SIZE,
    TILE_WIDTH,
    EntryBundleId,
    TileId,
    split_hashes,
    tile_root,
    tile_roots,
    tile_width,
)
from ledger.upkeep.chain_links import ChainWalk
from ledger.upkeep.spill import sort_records
from ledger.upkeep.tile_source import TileSource


@dataclass(frozen=True, slots=True)
class TilePiece:
    """Bundles [start, end) of a log of `size` entries. `system`: its chain, 16 bytes. `edge`: whether the stored tiles
    at the right edge give the signed root, so that they are right where a bundle disagrees.
    """

    start: int
    end: int
    size: int
    system: bytes
    edge: bool


@dataclass(slots=True)
class TilePieceFound:
    """What came of a piece. `roots` of its full tiles, `rest`: the hashes of the open one, both as they are held to be
    right; `damaged`: whether a bundle could not be followed, so that chains are torn for that reason alone. `wrong`:
    what is wrong with entries of bundles that are whole.
    """

    roots: bytes = b""
    rest: bytes = b""
    damaged: bool = False
    links: dict[int, bytes] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)


def check_tile_piece(source: TileSource, piece: TilePiece) -> TilePieceFound:
    """Derive a piece. A file that is missing, too long or unreadable is a finding."""
    walk = _TileWalk(source, piece)
    with no_search_for_cycles():
        walk.run()
    return walk.found


class _TileWalk:
    def __init__(self, source: TileSource, piece: TilePiece) -> None:
        self.found = TilePieceFound()
        self._source = source
        self._piece = piece
        self._chains = ChainWalk(piece.system)
        self._above: dict[int, bytes | None] = {}

    def run(self) -> None:
        roots: list[bytes] = []
        for index, bundle, tile in self._files():
            hashes = self._settle(index, bundle, tile)
            if len(hashes) == TILE_WIDTH:
                roots += tile_roots(hashes)
            else:
                self.found.rest = b"".join(hashes)
        self.found.roots = b"".join(roots)
        self.found.links = sort_records(self._chains.records())
        self.found.wrong = self._chains.problems

    def _files(self) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Each bundle with its tile, as they were read."""
        numbers = range(self._piece.start, self._piece.end)
        paths = [path for index in numbers for path in (self._bundle(index).path(), self._tile(index).path())]
        files = self._read_all(paths)
        for index in numbers:
            yield index, next(files), next(files)

    def _read_all(self, paths: list[str]) -> Iterator[bytes | None]:
        for path, data in zip(paths, self._source.read_all(paths), strict=True):
            yield data if data is not None else read_wider(self._source, path)

    def _bundle(self, index: int) -> EntryBundleId:
        return EntryBundleId(index, tile_width(0, index, self._piece.size))

    def _tile(self, index: int) -> TileId:
        return TileId(0, index, tile_width(0, index, self._piece.size))

    def _settle(self, index: int, bundle: bytes | None, tile: bytes | None) -> list[bytes]:
        """The leaf hashes of one bundle, as they are held to be right; what is wrong is added to the findings."""
        width = tile_width(0, index, self._piece.size)
        leaves = self._leaves(index, bundle, width)
        stored = self._hashes(index, tile, width)
        if leaves is not None:
            hashes = hash_leaves(leaves)
            derived = b"".join(hashes)
            if stored is None or derived == stored or not self._is_bundle_wrong(index, derived, stored):
                self._chains.walk_leaves(index * TILE_WIDTH, leaves, hashes)
                return hashes
        self.found.damaged = True
        return [bytes(HASH_SIZE)] * width if stored is None else split_hashes(stored)

    def _leaves(self, index: int, bundle: bytes | None, width: int) -> list[bytes] | None:
        path = self._bundle(index).path()
        if bundle is None:
            self._add(path, "it is missing")
            return None
        try:
            return parse_entry_bundle(bundle, width)
        except MalformedError as error:
            wider = self._of_wider(bundle, width)
            if wider is None:
                self._add(path, error.what)
            return wider

    def _of_wider(self, bundle: bytes, width: int) -> list[bytes] | None:
        """A full bundle may stand where a partial one was asked for and is gone."""
        try:
            return parse_entry_bundle(bundle, TILE_WIDTH)[:width] if width < TILE_WIDTH else None
        except MalformedError:
            return None

    def _hashes(self, index: int, tile: bytes | None, width: int) -> bytes | None:
        path = self._tile(index).path()
        if tile is None:
            self._add(path, "it is missing")
            return None
        if len(tile) not in (width * HASH_SIZE, TILE_WIDTH * HASH_SIZE):
            self._add(path, f"expected {width * HASH_SIZE} bytes, got {len(tile)}")
            return None
        return tile[: width * HASH_SIZE]

    def _is_bundle_wrong(self, index: int, derived: bytes, stored: bytes) -> bool:
        """They disagree: says which is wrong, and adds that to the findings."""
        bundle, tile = self._bundle(index).path(), self._tile(index).path()
        first = next(at for at, (one, other) in enumerate(zip(derived, stored, strict=True)) if one != other)
        entry = f"first at entry {index * TILE_WIDTH + first // HASH_SIZE}"
        above = self._hash_above(index)
        if len(stored) < TILE_SIZE:
            is_tile_right, is_bundle_right = self._piece.edge, not self._piece.edge
        else:
            is_tile_right, is_bundle_right = (above == tile_root(each) for each in (stored, derived))
        if is_tile_right:
            self._add(bundle, f"its entries do not give the hashes of {tile}, which the tiles above bear out; {entry}")
        elif is_bundle_right:
            self._add(tile, f"its hashes are not those of {bundle}, which the tiles above bear out; {entry}")
        else:
            self._add(
                bundle, f"its entries do not give the hashes of {tile}, and the tile above has neither's; {entry}"
            )
        return is_tile_right

    def _hash_above(self, index: int) -> bytes | None:
        """What the tile above says is the root of this full tile."""
        above, at = divmod(index, TILE_WIDTH)
        if above not in self._above:
            tile = TileId(1, above, tile_width(1, above, self._piece.size))
            data = self._source.read(tile.path())
            self._above[above] = read_wider(self._source, tile.path()) if data is None else data
        data = self._above[above]
        return None if data is None else data[at * HASH_SIZE : (at + 1) * HASH_SIZE]

    def _add(self, where: str, what: str) -> None:
        self.found.findings.append((where, what))


def read_wider(source: TileSource, path: str) -> bytes | None:
    """The full file in the place of a partial one, which may be deleted once the full one is there (tlog-tiles)."""
    full, partial, _ = path.partition(".p/")
    return source.read(full) if partial else None
