"""The nodes of a tree out of its tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from ledger.errors import MalformedError
from ledger.merkle.hashing import HASH_SIZE, hash_row
from ledger.merkle.node_memory import NodeMemory, Rows
from ledger.merkle.tiles import TILE_HEIGHT, TILE_WIDTH, TileId, hashes_of_tile, tile_width

EXPANDED_TILES: Final = 256
"""Tiles whose inner nodes are remembered by their bytes, 24 KiB each with the tile itself: those of open tiles, from
tree to tree.
"""


@lru_cache(maxsize=EXPANDED_TILES)
def expand_tile(data: bytes) -> Rows:
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
    one: a tile only ever grows, so a wider one begins with the same hashes. `memory`: what is known of the log's full
    tiles; without it, what this tree remembers it remembers alone.
    """

    def __init__(self, size: int, read_tile: Callable[[TileId], bytes], memory: NodeMemory | None = None) -> None:
        self.size = size
        self._read_tile = read_tile
        self._memory = NodeMemory() if memory is None else memory
        self._open: dict[tuple[int, int], Rows] = {}  # one of each level
        self.ends: dict[int, bytes] = {}
        """For `prove_inclusion`: at most one for each level."""

    def node(self, level: int, index: int) -> bytes:
        """Node (level, index). Raises MalformedError if it is not complete in this tree, or the tile is too short."""
        if (index + 1) << level > self.size:
            raise MalformedError(f"read node ({level}, {index}): it is not complete in a tree of {self.size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        rows = self._memory.expanded(tile_level, tile_index) or self._open.get((tile_level, tile_index))
        if rows is None:
            if not tile_level and (found := self._memory.lowest_node(tile_index, height, first)):
                return found
            rows = self._expand(tile_level, tile_index)
        at = (first >> height) * HASH_SIZE
        node = rows[height][at : at + HASH_SIZE]
        if len(node) != HASH_SIZE:
            raise MalformedError(f"read node ({level}, {index}): expected a wider tile, got {len(rows[0])} bytes")
        return node

    def _expand(self, level: int, index: int) -> Rows:
        width = tile_width(level, index, self.size)
        rows = expand_tile(self._read_tile(TileId(level, index, width)))
        if width == TILE_WIDTH:
            self._memory.keep(level, index, rows)
        else:
            self._open[level, index] = rows
        return rows
