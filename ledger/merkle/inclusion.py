"""Inclusion proofs of RFC 6962 §2.1.1: this leaf stands at this index of the tree with this root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.errors import ProofError
from ledger.merkle.hashing import HASH_SIZE, hash_children


class NodeReader(Protocol):
    """Where a prover gets the tree's nodes from."""

    def node(self, level: int, index: int) -> bytes:
        """The root (32 bytes) of the perfect subtree over leaves index·2^level … (index+1)·2^level − 1.

        Asked only for nodes whose leaves all exist in the tree that is proven.
        """
        ...


def range_root(reader: NodeReader, start: int, end: int) -> bytes:
    """The root of the leaves [start, end) as a subtree of their own; `start` is a multiple of a power of two ≥ end −
    start.

    Such a range is a row of perfect subtrees of falling size, folded from the right.
    """
    nodes: list[bytes] = []
    at = start
    while at < end:
        level = (end - at).bit_length() - 1
        nodes.append(reader.node(level, at >> level))
        at += 1 << level
    root = nodes.pop()
    while nodes:
        root = hash_children(nodes.pop(), root)
    return root


def split_point(count: int) -> int:
    """The largest power of two below `count` (≥ 2): where RFC 6962 §2.1 cuts a tree in two."""
    return 1 << (count - 1).bit_length() - 1


def prove_inclusion(reader: NodeReader, index: int, size: int, ends: dict[int, bytes] | None = None) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: hashes of 32 bytes, from the leaf's sibling up to the root's child.

    `ends`: what whoever proves much in one tree lets us remember of it: the roots of the incomplete subtrees at its
    right end, of which most paths need one, by their first leaf. Raises ProofError unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise ProofError(f"prove inclusion: expected an index below the size {size}, got {index}")
    path: list[bytes] = []
    node, last, level = index, size - 1, 0
    while last:
        sibling = node ^ 1
        if sibling < last:
            path.append(reader.node(level, sibling))
        elif sibling == last:
            start = sibling << level
            end = None if ends is None else ends.get(start)
            if end is None:
                end = range_root(reader, start, size)
                if ends is not None:
                    ends[start] = end
            path.append(end)
        node, last, level = node >> 1, last >> 1, level + 1
    return path


def check_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof by the algorithm of RFC 9162 §2.1.3.2.

    `leaf_hash`, `root` and each hash of `proof` are 32 bytes. Raises ProofError unless the leaf stands at `index` of
    the tree of `size` leaves with `root`.
    """
    if not 0 <= index < size:
        raise ProofError(f"check inclusion: expected an index below the size {size}, got {index}")
    if any(len(each) != HASH_SIZE for each in (leaf_hash, root, *proof)):
        raise ProofError(f"check inclusion of entry {index}: expected hashes of {HASH_SIZE} bytes")
    node, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofError(f"check inclusion of entry {index}: the proof of {len(proof)} hashes is too long")
        if node & 1 or node == last:
            computed = hash_children(sibling, computed)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            computed = hash_children(computed, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError(f"check inclusion of entry {index}: the proof of {len(proof)} hashes is too short")
    if computed != root:
        raise ProofError(
            f"check inclusion of entry {index} in the tree of {size}: expected root {root.hex()}, got {computed.hex()}"
        )
