"""Consistency proofs of RFC 6962 §2.1.2: the older tree is a prefix of the newer one; the log only grew."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import ProofError
from ledger.merkle.hashing import EMPTY_ROOT, HASH_SIZE, hash_children
from ledger.merkle.inclusion import NodeReader, range_root, split_point


def prove_consistency(reader: NodeReader, old_size: int, new_size: int) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 6962 §2.1.2: hashes of 32 bytes; empty when the sizes are equal or the
    older is 0.

    Raises ProofError unless 0 ≤ old_size ≤ new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"prove consistency: expected an older size of at most {new_size}, got {old_size}")
    if old_size in (0, new_size):
        return []
    proof: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + split_point(end - start)
        if old_size <= middle:
            proof.append(range_root(reader, middle, end))
            end = middle
        else:
            proof.append(range_root(reader, start, middle))
            start = middle
    if start != 0:
        # The checker knows the older root; only where that is not this very subtree must its hash be given.
        proof.append(range_root(reader, start, end))
    proof.reverse()
    return proof


def check_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check a consistency proof by the algorithm of RFC 9162 §2.1.4.2.

    Roots and hashes are 32 bytes. Equal sizes need equal roots and an empty proof. The empty tree (size 0,
    `EMPTY_ROOT`) is a prefix of every tree, by the empty proof: so C2SP tlog-witness starts a log. Raises ProofError
    otherwise.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"check consistency: expected an older size of at most {new_size}, got {old_size}")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofError(f"check consistency: expected the empty tree's root, got {old_root.hex()}")
    if old_size in (0, new_size) and proof:
        raise ProofError(f"check consistency of {old_size} and {new_size}: expected an empty proof, got {len(proof)}")
    if old_size == new_size:
        if old_root != new_root:
            raise ProofError(f"check consistency: two roots of size {new_size}: {old_root.hex()} and {new_root.hex()}")
        return
    if any(len(each) != HASH_SIZE for each in (old_root, new_root, *proof)):
        raise ProofError(f"check consistency of {old_size} and {new_size}: expected hashes of {HASH_SIZE} bytes")
    if old_size:
        _check_path(old_size, old_root, new_size, new_root, list(proof))


def _check_path(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: list[bytes]) -> None:
    """Steps 2 to 8 of RFC 9162 §2.1.4.2, for 0 < old_size < new_size."""
    act = f"check consistency of {old_size} and {new_size}"
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    if not path:
        raise ProofError(f"{act}: the proof is empty")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError(f"{act}: the proof is too long")
        if node & 1 or node == last:
            old = hash_children(sibling, old)
            new = hash_children(sibling, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = hash_children(new, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError(f"{act}: the proof is too short")
    if old != old_root:
        raise ProofError(f"{act}: expected the older root {old_root.hex()}, got {old.hex()}")
    if new != new_root:
        raise ProofError(f"{act}: expected the newer root {new_root.hex()}, got {new.hex()}")
