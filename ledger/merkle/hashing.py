"""Leaf and node hashes of RFC 6962 §2.1, and the root of a list of leaf hashes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
"""Bytes of a SHA-256 hash."""

LEAF_PREFIX: Final = b"\x00"
"""Domain of leaf hashes. Without it a node's 64 bytes could be submitted as a leaf (second preimage, RFC 6962 §2.1)."""

NODE_PREFIX: Final = b"\x01"
"""Domain of node hashes, apart from `LEAF_PREFIX`."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves: the hash of the empty string, by RFC 6962 §2.1."""


def hash_leaf(data: bytes) -> bytes:
    """The 32-byte hash of a leaf's bytes: `SHA-256(0x00 || data)`."""
    return sha256(LEAF_PREFIX + data).digest()


def hash_leaves(leaves: Iterable[bytes]) -> list[bytes]:
    """`hash_leaf` of each."""
    return [sha256(LEAF_PREFIX + leaf).digest() for leaf in leaves]


def hash_children(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of a node over two 32-byte hashes: `SHA-256(0x01 || left || right)`."""
    return sha256(NODE_PREFIX + left + right).digest()


def hash_pairs(row: Sequence[bytes]) -> list[bytes]:
    """The parents of a row of hashes, two by two; an odd last hash has no parent here and is left out."""
    return [sha256(NODE_PREFIX + left + right).digest() for left, right in zip(row[0::2], row[1::2], strict=False)]


def hash_row(row: bytes) -> bytes:
    """`hash_pairs` of hashes that stand one after another, and so do their parents."""
    pairs = range(0, len(row) - HASH_SIZE, 2 * HASH_SIZE)
    return b"".join([sha256(NODE_PREFIX + row[at : at + 2 * HASH_SIZE]).digest() for at in pairs])


def tree_root(hashes: Sequence[bytes]) -> bytes:
    """The root, MTH of RFC 6962 §2.1, of a tree with these leaf hashes (32 bytes each); `EMPTY_ROOT` for none.

    Level by level, an odd last node moves up unhashed: the same tree as the recursive definition, without recursion.
    """
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        above = hash_pairs(row)
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]
