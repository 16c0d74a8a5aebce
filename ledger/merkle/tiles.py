"""The tree's nodes in tiles of 256, and the log's entries in bundles of 256 (C2SP tlog-tiles).

Tile (level, index) of width w holds nodes (8·level, 256·index … 256·index + w − 1). A full tile never changes; the open
tile at a tree's right edge is served with the width that the tree's size gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from ledger.errors import MalformedError
from ledger.merkle.hashing import HASH_SIZE, hash_pairs, tree_root

TILE_HEIGHT: Final = 8
"""Levels of the tree that one tile spans."""

TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Hashes in a full tile."""

TILE_SIZE: Final = TILE_WIDTH * HASH_SIZE
"""Bytes of a full tile: 8,192."""

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
