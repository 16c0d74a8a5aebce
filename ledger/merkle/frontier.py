"""The right edge of the tree: all that appending needs, 32 bytes for each bit set in the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from ledger.errors import MalformedError
from ledger.merkle.hashing import EMPTY_ROOT, HASH_SIZE, hash_children, hash_pairs


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of a tree's largest perfect subtrees, largest (leftmost) first.

    A tree of 13 = 8 + 4 + 1 leaves has three: node (3, 0), node (2, 2) and leaf 12. Immutable; appending gives a new
    one, so a batch whose transaction failed leaves no trace.

    Raises MalformedError if the number of hashes is not the number of one bits in `size`, or one is not 32 bytes.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0:
            raise MalformedError(f"build a frontier: expected a size of 0 or more, got {self.size}")
        if len(self.hashes) != self.size.bit_count():
            raise MalformedError(
                f"build a frontier of size {self.size}: expected {self.size.bit_count()} hashes, got {len(self.hashes)}"
            )
        if any(len(each) != HASH_SIZE for each in self.hashes):
            raise MalformedError(f"build a frontier of size {self.size}: expected hashes of {HASH_SIZE} bytes")

    def append_all(self, leaf_hashes: Sequence[bytes]) -> Frontier:
        """The frontier after appending these leaf hashes (32 bytes each)."""
        return self.grow(leaf_hashes)[0]

    def grow(self, leaf_hashes: Sequence[bytes]) -> tuple[Frontier, list[list[bytes]]]:
        """Append, and also return every node that became final: row h holds the new nodes of level h, ascending.

        The new nodes of level h follow without a gap on the `size >> h` nodes that were there before. Costs one SHA-256
        for each new node: about one for each leaf.
        """
        pending = self._by_level()
        kept: dict[int, bytes] = {}
        rows: list[list[bytes]] = []
        row = list(leaf_hashes)
        level = 0
        while row or level < self.size.bit_length():
            rows.append(row)
            waiting = pending.get(level)
            if waiting is not None:
                row = [waiting, *row]
            if len(row) % 2:
                kept[level] = row[-1]
            row = hash_pairs(row)
            level += 1
        while rows and not rows[-1]:
            rows.pop()
        hashes = tuple(kept[each] for each in sorted(kept, reverse=True))
        return Frontier(self.size + len(leaf_hashes), hashes), rows

    def node(self, level: int, index: int) -> bytes:
        """The root (32 bytes) of one of these subtrees: what the proofs of entries appended behind them need of the
        tree before. Raises MalformedError for any other.
        """
        if not self.size >> level & 1 or index != (self.size >> level) - 1:
            raise MalformedError(f"read node ({level}, {index}): the frontier of size {self.size} does not hold it")
        return self.hashes[(self.size >> level + 1).bit_count()]

    def root(self) -> bytes:
        """The tree's root (32 bytes): the subtrees folded from the right; `EMPTY_ROOT` at size 0."""
        if not self.hashes:
            return EMPTY_ROOT
        return reduce(lambda right, left: hash_children(left, right), reversed(self.hashes))

    def to_bytes(self) -> bytes:
        """The hashes one after another, largest subtree first: 32 bytes for each one bit of `size`."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """The inverse of `to_bytes`. Raises MalformedError unless `data` is as long as `size` demands."""
        expected = HASH_SIZE * size.bit_count() if size >= 0 else -1
        if len(data) != expected:
            raise MalformedError(f"read a frontier of size {size}: expected {expected} bytes, got {len(data)}")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))

    def _by_level(self) -> dict[int, bytes]:
        levels = [level for level in range(self.size.bit_length()) if self.size >> level & 1]
        return dict(zip(reversed(levels), self.hashes, strict=True))
