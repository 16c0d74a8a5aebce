"""The tree's nodes in tiles of 256, and the log's entries in bundles of 256 (C2SP tlog-tiles).

Tile (level, index) of width w holds nodes (8·level, 256·index … 256·index + w − 1). A full tile never changes; the open
tile at a tree's right edge is served with the width that the tree's size gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from ledger.errors import MalformedError
from ledger.merkle.hashing import HASH_SIZE, hash_pairs, hash_row, tree_root

TILE_HEIGHT: Final = 8
"""Levels of the tree that one tile spans."""

TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Hashes in a full tile."""

TILE_SIZE: Final = TILE_WIDTH * HASH_SIZE
"""Bytes of a full tile: 8,192."""

EXPANDED_TILES: Final = 256
"""Tiles whose inner nodes are remembered from tree to tree, 24 KiB each with the tile itself: a growing log's proofs
share all but the last.
"""

TILES_AT_HAND: Final = 2_048
"""Expanded tiles of one tree, 16 KiB each: neighbours' proofs share them, and bundles go through the log in order."""

TILE_LEVEL_MAX: Final = 63
"""Largest tile level in a path, by tlog-tiles; a tree of 2^63 leaves ends at 7."""

TILE_INDEX_MAX: Final = (1 << 63) - 1
"""Largest index in a path: no tree has more leaves, and a path of unbounded length is an attack, not a tile."""

_TILE_PATH: Final = re.compile(r"tile/(0|[1-9][0-9]?)/([^.]+)(?:\.p/([1-9][0-9]{0,2}))?")
_ENTRIES_PATH: Final = re.compile(r"tile/entries/([^.]+)(?:\.p/([1-9][0-9]{0,2}))?")
_INDEX_PATH: Final = re.compile(r"(?:x[0-9]{3}/){0,6}[0-9]{3}")


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """One tile's place: `level` 0 to 63, `index` from 0, `width` 1 to 256 (256 = full).

    Raises MalformedError outside these ranges.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= TILE_LEVEL_MAX:
            raise MalformedError(f"name a tile: expected a level of 0 to {TILE_LEVEL_MAX}, got {self.level}")
        _check_place(self.index, self.width)

    @property
    def is_full(self) -> bool:
        """Whether the tile is complete, and so immutable for ever."""
        return self.width == TILE_WIDTH

    def path(self) -> str:
        """The tile's path below the log's prefix: `tile/0/x001/x234/067.p/112`."""
        return f"tile/{self.level}/{_format_place(self.index, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class EntryBundleId:
    """One entry bundle's place: `index` from 0, `width` 1 to 256 entries.

    Raises MalformedError outside these ranges.
    """

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(self.index, self.width)

    def path(self) -> str:
        """The bundle's path below the log's prefix: `tile/entries/x001/x234/067`."""
        return f"tile/entries/{_format_place(self.index, self.width)}"


_Place = TypeVar("_Place", TileId, EntryBundleId)


def parse_tile_path(path: str) -> TileId:
    """The inverse of `TileId.path`. Raises MalformedError for anything that `path()` would not have written."""
    match = _TILE_PATH.fullmatch(path)
    if match is None:
        raise MalformedError(f"parse a tile's path: expected tile/<level>/<index>[.p/<width>], got {path[:200]!r}")
    level, index, width = match.groups()
    tile = TileId(int(level), _parse_index(index), TILE_WIDTH if width is None else int(width))
    return _exactly(tile, tile.path(), path)


def parse_entries_path(path: str) -> EntryBundleId:
    """The inverse of `EntryBundleId.path`. Raises MalformedError for anything that `path()` would not have written."""
    match = _ENTRIES_PATH.fullmatch(path)
    if match is None:
        raise MalformedError(f"parse a bundle's path: expected tile/entries/<index>[.p/<width>], got {path[:200]!r}")
    index, width = match.groups()
    bundle = EntryBundleId(_parse_index(index), TILE_WIDTH if width is None else int(width))
    return _exactly(bundle, bundle.path(), path)


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes tile (level, index) has in a tree of `size` leaves: 0 to 256."""
    nodes = size >> TILE_HEIGHT * level
    return max(0, min(TILE_WIDTH, nodes - index * TILE_WIDTH))


def full_tiles_between(old_size: int, new_size: int) -> Iterator[TileId]:
    """The tiles that become complete as the tree grows from `old_size` to `new_size`: by level, then by index."""
    level = 0
    while new_size >> TILE_HEIGHT * (level + 1):
        shift = TILE_HEIGHT * (level + 1)
        for index in range(old_size >> shift, new_size >> shift):
            yield TileId(level, index)
        level += 1


def partial_tiles(size: int) -> Iterator[TileId]:
    """The open tiles at the right edge of a tree of `size` leaves, lowest level first; levels without one are left
    out.
    """
    for level in range(TILE_LEVEL_MAX + 1):
        nodes = size >> TILE_HEIGHT * level
        if not nodes:
            return
        if nodes % TILE_WIDTH:
            yield TileId(level, nodes // TILE_WIDTH, nodes % TILE_WIDTH)


def hashes_of_tile(data: bytes) -> list[bytes]:
    """A tile's hashes (32 bytes each). Raises MalformedError unless there are 1 to 256 whole ones."""
    if not data or len(data) % HASH_SIZE or len(data) > TILE_SIZE:
        raise MalformedError(
            f"read a tile: expected 1 to {TILE_WIDTH} hashes of {HASH_SIZE} bytes, got {len(data)} bytes"
        )
    return split_hashes(data)


def tile_root(data: bytes) -> bytes:
    """The root over a full tile: its one hash in the tile level above.

    Raises MalformedError unless the tile is full.
    """
    if len(data) != TILE_SIZE:
        raise MalformedError(f"hash a full tile: expected {TILE_SIZE} bytes, got {len(data)}")
    return tree_root(hashes_of_tile(data))


def tile_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of full tiles whose 256 hashes each stand one after another: one for each tile."""
    row = list(hashes)
    for _ in range(TILE_HEIGHT):
        row = hash_pairs(row)
    return row


def split_hashes(data: bytes) -> list[bytes]:
    """Any number of hashes (32 bytes each) that stand one after another."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def tile_of_node(level: int, index: int) -> tuple[int, int, int, int]:
    """Where node (level, index) is found: (tile level, tile index, first hash in the tile, number of hashes)."""
    height = level % TILE_HEIGHT
    first = index << height
    return level // TILE_HEIGHT, first // TILE_WIDTH, first % TILE_WIDTH, 1 << height


def tile_node(data: bytes, level: int, index: int) -> bytes:
    """Node (level, index) out of the bytes of the tile that holds it (see `tile_of_node`), full or wide enough.

    Raises MalformedError if the tile ends before the node does.
    """
    _, _, first, count = tile_of_node(level, index)
    if (first + count) * HASH_SIZE > len(data):
        raise MalformedError(
            f"read node ({level}, {index}): expected a tile of at least {first + count} hashes, got {len(data)} bytes"
        )
    return _node_of(expand_tile(data), level % TILE_HEIGHT, first)


def _node_of(rows: tuple[bytes, ...], height: int, first: int) -> bytes:
    """Out of an expanded tile the node of this height that begins at the tile's hash `first`; short where it ends."""
    at = (first >> height) * HASH_SIZE
    return rows[height][at : at + HASH_SIZE]


@lru_cache(maxsize=EXPANDED_TILES)
def expand_tile(data: bytes) -> tuple[bytes, ...]:
    """All complete nodes inside a tile, row by row from its hashes up. A proof needs one of each row, so they are
    hashed once. Raises MalformedError unless there are 1 to 256 whole hashes.
    """
    hashes_of_tile(data)
    rows = [data]
    while len(rows) < TILE_HEIGHT:
        rows.append(hash_row(rows[-1]))
    return tuple(rows)


class TiledNodes:
    """A tree of `size` leaves that reads its nodes out of tiles: a `NodeReader` for the provers.

    `read_tile` gets the tile's place with the width it has at `size` and gives the tile's bytes, or those of a wider
    one: a tile only ever grows, so a wider one begins with the same hashes. The last tiles are kept at hand, expanded.
    """

    def __init__(self, size: int, read_tile: Callable[[TileId], bytes]) -> None:
        self.size = size
        self._read_tile = read_tile
        self._at_hand: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Node (level, index). Raises MalformedError if it is not complete in this tree, or the tile is too short."""
        if (index + 1) << level > self.size:
            raise MalformedError(f"read node ({level}, {index}): it is not complete in a tree of {self.size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        rows = self._at_hand.get((tile_level, tile_index)) or self._expand(tile_level, tile_index)
        node = _node_of(rows, height, first)
        if len(node) != HASH_SIZE:
            raise MalformedError(f"read node ({level}, {index}): expected a wider tile, got {len(rows[0])} bytes")
        return node

    def _expand(self, level: int, index: int) -> tuple[bytes, ...]:
        rows = expand_tile(self._read_tile(TileId(level, index, tile_width(level, index, self.size))))
        if len(self._at_hand) >= TILES_AT_HAND:
            with suppress(KeyError, StopIteration, RuntimeError):  # another thread may be doing the same
                del self._at_hand[next(iter(self._at_hand))]
        self._at_hand[level, index] = rows
        return rows


def _check_place(index: int, width: int) -> None:
    if not 0 <= index <= TILE_INDEX_MAX:
        raise MalformedError(f"name a tile: expected an index of 0 to {TILE_INDEX_MAX}, got {index}")
    if not 1 <= width <= TILE_WIDTH:
        raise MalformedError(f"name a tile: expected a width of 1 to {TILE_WIDTH}, got {width}")


def _format_place(index: int, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return "/".join(reversed(groups)) + suffix


def _parse_index(text: str) -> int:
    if _INDEX_PATH.fullmatch(text) is None:
        raise MalformedError(f"parse a tile's path: expected groups of three digits, got {text[:200]!r}")
    return int(text.replace("/", "").replace("x", ""))


def _exactly(value: _Place, written: str, read: str) -> _Place:
    if written != read:
        raise MalformedError(f"parse a tile's path: expected {written!r}, got {read!r}")
    return value
