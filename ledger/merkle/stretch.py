"""Inclusion proofs of leaves that stand side by side: their paths share most nodes, so each is made and checked once.

A path of its own for each of 500 neighbours in a tree of a million takes 10,000 nodes; all of them together are 1,000
nodes and some thirty siblings at the edges.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import ProofError
from ledger.merkle.hashing import hash_children
from ledger.merkle.inclusion import NodeReader, range_root


class Stretch:
    """Consecutive leaves from index `first`, proven to stand in the tree of `size` leaves with `root`.

    The root is computed from the leaf hashes (32 bytes each) and the siblings that the reader gives. Every node on the
    way is the one that a check of each path (RFC 9162 §2.1.3.2) would compute, so where the root is right, all paths
    are. Raises ProofError where it is not, or where the leaves do not lie in the tree.
    """

    def __init__(self, reader: NodeReader, first: int, leaf_hashes: Sequence[bytes], size: int, root: bytes) -> None:
        if not leaf_hashes or not 0 <= first <= size - len(leaf_hashes):
            raise ProofError(
                f"prove a stretch: expected one or more leaves within the size {size}, "
                f"got {len(leaf_hashes)} from {first}"
            )
        self.first = first
        self.size = size
        self._rows: list[tuple[int, list[bytes]]] = []  # by level: the first node's index, and the nodes with siblings
        row, start = list(leaf_hashes), first
        for level in range((size - 1).bit_length()):
            last = size - 1 >> level
            end = start + len(row)  # the node behind the row
            if start % 2:
                start -= 1
                row.insert(0, reader.node(level, start))
            if end % 2 and end <= last:
                row.append(range_root(reader, end << level, min(end + 1 << level, size)))
            self._rows.append((start, row))
            above = [hash_children(left, right) for left, right in zip(row[0::2], row[1::2], strict=False)]
            if len(row) % 2:
                above.append(row[-1])  # the tree's last node of this level has no sibling: it is its own parent
            row, start = above, start >> 1
        if row != [root]:
            raise ProofError(f"prove a stretch: expected root {root.hex()} at size {size}, got {row[0].hex()}")

    def rows(self) -> Sequence[tuple[int, Sequence[bytes]]]:
        """By level from the leaves up: the index of the first node, and the nodes (32 bytes) without a gap: those above
        the leaves, and their siblings.
        """
        return self._rows

    def path(self, index: int) -> list[bytes]:
        """The inclusion proof of the leaf at `index`: what `prove_inclusion` gives."""
        found = []
        for start, row in self._rows:
            sibling = (index ^ 1) - start
            if sibling < len(row):
                found.append(row[sibling])
            index >>= 1
        return found
