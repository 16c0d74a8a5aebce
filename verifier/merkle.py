"""RFC 6962 trees, checked with the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2 (docs/spec/log.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from verifier.encoding import HASH_SIZE
from verifier.errors import VerifierError

EMPTY_ROOT = hashlib.sha256(b"").digest()
# A proof in a tree of 2^64 leaves has at most 64 hashes for inclusion and 65 for consistency; longer ones are refused
# by the algorithms anyway, this only refuses them at once.
MAX_PROOF = 65


class BadProof(VerifierError):
    """A proof does not lead where it should."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf), 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes that are already hashed; of none, the hash of the empty string."""
    frontier = Frontier()
    for value in hashes:
        frontier.append(value)
    return frontier.root()


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """That the leaf hash `leaf` is at `index` of the tree of `size` and `root`; raises BadProof."""
    if not 0 <= index < size:
        raise BadProof(f"index {index} is not below the tree size {size}")
    _check_hashes(proof, leaf, root)
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise BadProof("the inclusion proof is too long")
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise BadProof("the inclusion proof is too short")
    if value != root:
        raise BadProof("the inclusion proof leads to another root")


def check_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """That the tree of `size1` and `root1` is a prefix of that of `size2` and `root2`; raises BadProof."""
    if not 0 <= size1 <= size2:
        raise BadProof(f"a tree of {size1} cannot be a prefix of a tree of {size2}")
    if size1 in (0, size2) and proof:
        raise BadProof("the consistency proof should be empty")
    if size1 == 0 and root1 != EMPTY_ROOT:
        raise BadProof("the empty tree has another root than the empty tree's")
    if size1 == size2:
        if root1 != root2:
            raise BadProof("two trees of one size have different roots")
        return
    _check_hashes(proof, root1, root2)
    if size1 == 0:
        return
    if not proof:
        raise BadProof("the consistency proof is too short")
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    found1, found2 = _consistency_roots(size1 - 1, size2 - 1, path)
    if found1 != root1:
        raise BadProof("the consistency proof leads to another root of the smaller tree")
    if found2 != root2:
        raise BadProof("the consistency proof leads to another root of the larger tree")


def _consistency_roots(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162 §2.1.4.2, steps 4 to 6; `first` and `second` are the sizes less one."""
    while first & 1:
        first, second = first >> 1, second >> 1
    value1 = value2 = path[0]
    for sibling in path[1:]:
        if second == 0:
            raise BadProof("the consistency proof is too long")
        if first & 1 or first == second:
            value1, value2 = node_hash(sibling, value1), node_hash(sibling, value2)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            value2 = node_hash(value2, sibling)
        first, second = first >> 1, second >> 1
    if second:
        raise BadProof("the consistency proof is too short")
    return value1, value2


def _check_hashes(proof: Sequence[bytes], *others: bytes) -> None:
    if len(proof) > MAX_PROOF:
        raise BadProof(f"a proof has at most {MAX_PROOF} hashes and this one has {len(proof)}")
    if any(len(value) != HASH_SIZE for value in (*proof, *others)):
        raise BadProof(f"a hash should have {HASH_SIZE} bytes")


class Frontier:
    """A tree known by the roots of its perfect subtrees, largest first; it grows a leaf hash at a time."""

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        """`subtrees`: one root for each one bit of `size`, from the highest bit."""
        self.size = size
        self._subtrees = list(subtrees)
        if len(self._subtrees) != size.bit_count():
            raise BadProof(f"a tree of {size} has {size.bit_count()} perfect subtrees, not {len(self._subtrees)}")

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        value, bits = leaf, self.size
        while bits & 1:
            value, bits = node_hash(self._subtrees.pop(), value), bits >> 1
        self._subtrees.append(value)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self._subtrees:
            return EMPTY_ROOT
        value = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            value = node_hash(left, value)
        return value
