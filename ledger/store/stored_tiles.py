"""Any tile of any size out of what is stored: full tiles as they are, open ones computed from the rows below them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from ledger.errors import CorruptError
from ledger.merkle.hashing import HASH_SIZE, hash_leaf
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TILE_WIDTH, TileId, tile_root

REMEMBERED_ROOTS = 4_096
"""Roots of full tiles, 32 bytes each: those below sixteen open tiles."""


class TreeRows(Protocol):
    """Of ledger.store.contracts.LogStore, what the tree is made from."""

    def tile(self, level: int, index: int) -> bytes | None: ...

    def leaves(self, start: int, end: int) -> list[bytes]: ...


class StoredTiles:
    """Reads tiles for proofs and for `/tile/…`.

    `edge` gives the open tiles that the sequencer carries, if this process has one: a tile only grows, so what it holds
    begins with every narrower form. Without it an open tile of level 1 costs up to 255 reads, once: the root of a full
    tile never changes, and is remembered.
    """

    def __init__(self, store: TreeRows, edge: Callable[[], OpenTiles | None] = lambda: None) -> None:
        self._store = store
        self._edge = edge
        self._root = lru_cache(REMEMBERED_ROOTS)(self._read_root)

    def read(self, tile: TileId) -> bytes:
        """The tile's bytes, exactly `tile.width` hashes. Raises CorruptError if the store does not have them."""
        open_tile = self._from_edge(tile)
        if open_tile is not None:
            return open_tile
        stored = self._store.tile(tile.level, tile.index)
        if stored is not None:
            return stored[: tile.width * HASH_SIZE]
        if tile.is_full:
            raise CorruptError(f"read a tile: {tile.path()} is missing")
        first = tile.index * TILE_WIDTH
        if tile.level == 0:
            return b"".join(map(hash_leaf, self._store.leaves(first, first + tile.width)))
        return b"".join(self._root(tile.level - 1, index) for index in range(first, first + tile.width))

    def _read_root(self, level: int, index: int) -> bytes:
        return tile_root(self.read(TileId(level, index)))

    def _from_edge(self, tile: TileId) -> bytes | None:
        edge = self._edge()
        if edge is None or edge.size >> 8 * (tile.level + 1) != tile.index:
            return None
        data = edge.partial(tile.level)
        return data[: tile.width * HASH_SIZE] if len(data) >= tile.width * HASH_SIZE else None
