"""Entry bundles of C2SP tlog-tiles: up to 256 leaves, each behind its length as two bytes, big-endian.

The leaves `one` and `two`: `00 03 6f 6e 65 00 03 74 77 6f`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from struct import iter_unpack
from typing import Final

from ledger.errors import LimitError, MalformedError
from ledger.merkle.tiles import TILE_WIDTH

BUNDLED_LEAF_MAX: Final = 0xFFFF
"""Bytes of the largest leaf that a two-byte length can announce."""

_LENGTH_SIZE: Final = 2


def format_entry_bundle(leaves: Iterable[bytes]) -> bytes:
    """The bundle of these leaves. Raises LimitError for a leaf over 65,535 bytes, or for more than 256 leaves."""
    parts: list[bytes] = []
    for leaf in leaves:
        if len(leaf) > BUNDLED_LEAF_MAX:
            raise LimitError("bundle a leaf: it is too long", None, BUNDLED_LEAF_MAX, len(leaf))
        parts.append(len(leaf).to_bytes(2, "big"))
        parts.append(leaf)
    if len(parts) > 2 * TILE_WIDTH:
        raise LimitError("bundle leaves: they are too many", None, TILE_WIDTH, len(parts) // 2)
    return b"".join(parts)


def parse_entry_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` leaves of a bundle.

    Raises MalformedError unless the bytes hold exactly so many, and nothing after.
    """
    alike = _parse_alike(data, width)
    if alike is not None:
        return alike
    leaves: list[bytes] = []
    size = len(data)
    at = 0
    while at + 1 < size:
        start = at + 2
        at = start + (data[at] << 8 | data[at + 1])
        leaves.append(data[start:at])
    if at != size:  # the last leaf or its length is cut off
        raise MalformedError(
            f"parse an entry bundle: it ends at byte {size}, within leaf {len(leaves) - (at > size)} or its length"
        )
    if len(leaves) != width:
        raise MalformedError(f"parse an entry bundle: expected {width} leaves, got {len(leaves)}")
    return leaves


def _parse_alike(data: bytes, width: int) -> list[bytes] | None:
    """The same where all leaves have one length, as most of a batch have; None where they have not."""
    length = int.from_bytes(data[:_LENGTH_SIZE], "big")
    step = _LENGTH_SIZE + length
    if (
        not length
        or len(data) != step * width
        or data[::step] != data[:1] * width
        or data[1::step] != data[1:2] * width
    ):
        return None
    return list(chain.from_iterable(iter_unpack(f"{_LENGTH_SIZE}x{length}s", data)))
