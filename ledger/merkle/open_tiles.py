"""The tiles at the right edge while the log grows: what a sequencer carries from batch to batch.

Storage keeps full tiles only; a full tile of level 0 needs the up to 255 leaf hashes that came before the batch.
`OpenTiles` carries them, and the same for each level above, at most 8 KiB a level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import MalformedError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import HASH_SIZE
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import TILE_HEIGHT, TILE_SIZE, TILE_WIDTH, TileId, partial_tiles

_EMPTY: Final = Frontier()


@dataclass(frozen=True, slots=True)
class Grown:
    """What an append gives: the right edge after it, and the tiles that became complete, by level, then by index."""

    tiles: OpenTiles
    full: tuple[tuple[TileId, bytes], ...]

    @property
    def frontier(self) -> Frontier:
        """The new frontier."""
        return self.tiles.frontier

    @property
    def root(self) -> bytes:
        """The new root (32 bytes)."""
        return self.tiles.frontier.root()


@dataclass(frozen=True, slots=True)
class OpenTiles:
    """A tree's frontier and, for each tile level, the bytes of its open tile (empty where none is open).

    Immutable: `append` gives a new value, so that a batch whose transaction failed leaves no trace here. Raises
    MalformedError if an open tile has not the width that the size gives it.
    """

    frontier: Frontier = _EMPTY
    levels: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        for level, data in enumerate(self.levels):
            expected = (self.size >> TILE_HEIGHT * level) % TILE_WIDTH * HASH_SIZE
            if len(data) != expected:
                raise MalformedError(
                    f"open tile {level} of a tree of {self.size}: expected {expected} bytes, got {len(data)}"
                )
        if self.size >> TILE_HEIGHT * len(self.levels):
            raise MalformedError(f"open tiles of a tree of {self.size}: got only {len(self.levels)} levels")

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self.frontier.size

    @classmethod
    def load(cls, size: int, read_tile: Callable[[TileId], bytes]) -> OpenTiles:
        """The right edge of a tree of `size` leaves, out of its partial tiles; `read_tile` gives exactly each one's
        bytes.

        The frontier is computed from those tiles, so compare its root with the head's: a store that lost or changed
        hashes shows there. Raises MalformedError for a tile of another width.
        """
        levels = [b""] * -(-size.bit_length() // TILE_HEIGHT)
        for tile in partial_tiles(size):
            levels[tile.level] = read_tile(tile)
        nodes = TiledNodes(size, lambda tile: levels[tile.level])
        hashes = tuple(
            nodes.node(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1
        )
        return cls(Frontier(size, hashes), tuple(levels))

    def append(self, leaf_hashes: Sequence[bytes]) -> Grown:
        """Append leaf hashes (32 bytes each). Costs about one SHA-256 for each leaf, whatever the tree's size."""
        frontier, rows = self.frontier.grow(leaf_hashes)
        levels = list(self.levels)
        full: list[tuple[TileId, bytes]] = []
        for level, row in enumerate(rows[::TILE_HEIGHT]):
            if level == len(levels):
                levels.append(b"")
            data = levels[level] + b"".join(row)
            index = self.size >> TILE_HEIGHT * (level + 1)
            whole = len(data) // TILE_SIZE
            for at in range(whole):
                full.append((TileId(level, index + at), data[at * TILE_SIZE : (at + 1) * TILE_SIZE]))
            levels[level] = data[whole * TILE_SIZE :]
        return Grown(OpenTiles(frontier, tuple(levels)), tuple(full))

    def partial(self, level: int) -> bytes:
        """The open tile's bytes at a tile level: fewer than 256 hashes, or nothing."""
        return self.levels[level] if level < len(self.levels) else b""
