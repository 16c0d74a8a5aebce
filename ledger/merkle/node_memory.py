"""What proofs remember of full tiles, which never change: from proof to proof, and from one signed tree to the next.

To expand a tile takes 255 hashes, 0.13 ms, which is more than all the rest of a proof. Neighbours share that. In a log
of millions, a proof of an entry drawn by chance meets a tile that nobody has asked for lately. So of many tiles the 16
nodes half way up are remembered, 512 bytes each:

    heights 4 to 7   siblings out of the 16 nodes        at most 11 hashes
    heights 0 to 3   siblings out of the entry's group   16 leaves, hashed, and at most 11 hashes

A second proof in another group of the same tile has it expanded. Whatever was remembered falsely, through a fault of
memory, gives no false proof: each is checked against the signed root before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar

from ledger.errors import MalformedError
from ledger.merkle.hashing import HASH_SIZE, hash_children, hash_row
from ledger.merkle.tiles import TILE_SIZE, TILE_WIDTH

EXPANDED_MAX: Final = 2_048
"""Expanded tiles, 16 KiB each, of the lowest level, and as many of all others: neighbours' proofs share them, and
bundles go through the log in order.
"""

HALVES_MAX: Final = 65_536
"""Lowest tiles of which the nodes half way up are remembered: those of 16.8 million entries, 0.7 KiB each with what
Python needs around them, 45 MiB in all.
"""

GROUPS_MAX: Final = 2_048
"""Groups of leaf hashes, one of a tile, 0.7 KiB each."""

HALF_HEIGHT: Final = 4

GROUP_WIDTH: Final = 1 << HALF_HEIGHT
"""Leaves below one node half way up."""

Key = TypeVar("Key")

Rows: TypeAlias = tuple[bytes, ...]
"""A tile's nodes, row by row from its hashes up to the two below its root; without those that are not complete."""

ReadGroup: TypeAlias = Callable[[int], bytes]
"""Gives the hashes of the 16 leaves from an index on, one after another."""


class NodeMemory:
    """Of one log. Bounded, and safe to use from many threads: what two do at once is done twice.

    `read_group`: without it, a tile is expanded for whatever is asked of it.
    """

    def __init__(self, read_group: ReadGroup | None = None) -> None:
        self._read_group = read_group
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._lowest: dict[int, Rows] = {}
        self._upper: dict[tuple[int, int], Rows] = {}
        # By the index modulo the most that there may be: the newer one takes the older one's place.
        self._halves: dict[int, tuple[int, bytes]] = {}
        self._groups: dict[int, tuple[int, bytes]] = {}

    def expanded(self, level: int, index: int) -> Rows | None:
        """A tile's rows, if they are at hand."""
        return self._upper.get((level, index)) if level else self._lowest.get(index)

    def keep(self, level: int, index: int, rows: Rows) -> None:
        """Remember a full tile. Others are left out: they change."""
        if len(rows[0]) != TILE_SIZE:
            return
        if level:
            _put(self._upper, (level, index), rows)
        else:
            _put(self._lowest, index, rows)
            self.keep_half(index, rows[HALF_HEIGHT])

    def keep_half(self, index: int, nodes: bytes) -> None:
        """Remember the 16 nodes (32 bytes each) half way up a full tile of the lowest level."""
        self._halves[index % HALVES_MAX] = index, nodes

    def has_half(self, index: int) -> bool:
        return self._half(index) is not None

    def lowest_node(self, index: int, height: int, first: int) -> bytes | None:
        """Node of a lowest tile that is not expanded; None where it should be: nothing is remembered of it, or it is
        asked for once more. `height`: 0 to 7; `first`: the first of the tile's hashes below the node.
        """
        half = self._half(index)
        if half is None or self._read_group is None:
            return None
        if height >= HALF_HEIGHT:
            at = first >> HALF_HEIGHT
            return _fold(half[at * HASH_SIZE : (at + (1 << height - HALF_HEIGHT)) * HASH_SIZE])
        start = index * TILE_WIDTH + (first & -GROUP_WIDTH)
        known = self._groups.get(index % GROUPS_MAX)
        if known is None or known[0] // TILE_WIDTH != index:
            known = start, self._read_group(start)
            self._groups[index % GROUPS_MAX] = known
        elif known[0] != start:
            return None
        at = first % GROUP_WIDTH
        return _fold(known[1][at * HASH_SIZE : (at + (1 << height)) * HASH_SIZE])

    def _half(self, index: int) -> bytes | None:
        found = self._halves.get(index % HALVES_MAX)
        return found[1] if found is not None and found[0] == index else None


def half_way(data: bytes) -> bytes:
    """The 16 nodes half way up a full tile. Raises MalformedError for another one."""
    if len(data) != TILE_SIZE:
        raise MalformedError(f"hash a full tile: expected {TILE_SIZE} bytes, got {len(data)}")
    for _ in range(HALF_HEIGHT):
        data = hash_row(data)
    return data


def _fold(nodes: bytes) -> bytes:
    """The root over one, two, four or eight nodes."""
    if len(nodes) == HASH_SIZE:
        return nodes
    while len(nodes) > 2 * HASH_SIZE:
        nodes = hash_row(nodes)
    return hash_children(nodes[:HASH_SIZE], nodes[HASH_SIZE:])


def _put(at_hand: dict[Key, Rows], key: Key, rows: Rows) -> None:
    if len(at_hand) >= EXPANDED_MAX:
        with suppress(KeyError, StopIteration, RuntimeError):  # another thread may be doing the same
            del at_hand[next(iter(at_hand))]
    at_hand[key] = rows
