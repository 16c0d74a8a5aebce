"""Trees by RFC 6962's own recursive definitions: slow, and written apart from the code under test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


def leaf_hashes(count: int, salt: str = "") -> list[bytes]:
    """Leaf hashes of the leaves `<salt>0`, `<salt>1`, …"""
    return [sha256(b"\x00" + f"{salt}{number}".encode()).digest() for number in range(count)]


def mth(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, over leaf hashes."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = largest_power_below(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    k = largest_power_below(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def proof(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) of RFC 6962 §2.1.2, for 0 < m."""
    return subproof(m, hashes, True)


def subproof(m: int, hashes: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = largest_power_below(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@dataclass(frozen=True)
class ListNodes:
    """A `NodeReader` over a plain list of leaf hashes."""

    hashes: Sequence[bytes]

    def node(self, level: int, index: int) -> bytes:
        part = self.hashes[index << level : (index + 1) << level]
        assert len(part) == 1 << level, f"asked for node ({level}, {index}), which is not complete"
        return mth(part)


def all_tiles(hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Every tile of a tree by definition: level 0 are leaf hashes, above it the roots of full tiles."""
    tiles: dict[tuple[int, int], bytes] = {}
    row, level = list(hashes), 0
    while row:
        chunks = [row[at : at + 256] for at in range(0, len(row), 256)]
        tiles |= {(level, index): b"".join(chunk) for index, chunk in enumerate(chunks)}
        row = [mth(chunk) for chunk in chunks if len(chunk) == 256]
        level += 1
    return tiles
