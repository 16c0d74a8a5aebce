"""A tiled log over HTTP (C2SP tlog-tiles), read within limits; nothing it serves is believed for being served."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.merkle import Frontier, node_hash
from verifier.server import Server, Unreachable

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_SIZE = 32
MAX_CHECKPOINT = 2**20
MAX_ENTRIES = TILE_WIDTH * (2 + 65_535)


class TiledLog:
    """The log under a URL prefix."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tiles: dict[str, bytes] = {}

    def checkpoint(self) -> bytes:
        """The signed checkpoint; raises Unreachable."""
        return self._server.get("checkpoint", MAX_CHECKPOINT)

    def frontier(self, start: int, size: int) -> Frontier:
        """The tree of the first `start` leaves, from the tiles of the tree of `size`; raises Unreachable."""
        subtrees: list[bytes] = []
        first = 0
        for height in range(start.bit_length() - 1, -1, -1):
            if start >> height & 1:
                subtrees.append(self._subtree(first >> height, height, size))
                first += 1 << height
        return Frontier(start, subtrees)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof between trees of 1 ≤ `first` ≤ `second` leaves, from the tiles of the larger; raises Unreachable.

        RFC 6962 §2.1.2. Who checks the proof believes no tile: whatever they hold, it proves consistency or does not.
        """
        proof: list[bytes] = []
        start, end, sought, whole = 0, second, first, True
        while sought != end - start:
            left = start + (1 << (end - start - 1).bit_length() - 1)
            if start + sought <= left:
                proof.append(self._range(left, end, second))
                end = left
            else:
                proof.append(self._range(start, left, second))
                start, sought, whole = left, sought - (left - start), False
        if not whole:
            proof.append(self._range(start, end, second))
        return proof[::-1]

    def leaves(self, start: int, size: int) -> Iterator[bytes]:
        """The leaves from `start` up to `size`; raises Unreachable."""
        for number in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            bundle = _split(self._server.get(f"tile/entries/{_tile_path(number, width)}", MAX_ENTRIES), width)
            yield from bundle[max(0, start - number * TILE_WIDTH) :]

    def _range(self, start: int, end: int, size: int) -> bytes:
        """The root over the leaves from `start` to `end`; `start` is a multiple of the largest subtree's width."""
        height = (end - start).bit_length() - 1
        value = self._subtree(start >> height, height, size)
        rest = start + (1 << height)
        return value if rest == end else node_hash(value, self._range(rest, end, size))

    def _subtree(self, position: int, height: int, size: int) -> bytes:
        """The root of a perfect subtree: the one at `position` among those of 2^height leaves."""
        level, above = divmod(height, TILE_HEIGHT)
        first = position << above
        number, offset = divmod(first, TILE_WIDTH)
        width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - number * TILE_WIDTH)
        data = self._tile(level, number, width)
        nodes = [data[HASH_SIZE * place : HASH_SIZE * (place + 1)] for place in range(offset, offset + (1 << above))]
        while len(nodes) > 1:
            nodes = [node_hash(left, right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
        return nodes[0]

    def _tile(self, level: int, number: int, width: int) -> bytes:
        """The hashes of a tile. Each is asked for once: its neighbours in a proof lie in it too."""
        path = f"tile/{level}/{_tile_path(number, width)}"
        if path not in self._tiles:
            data = self._server.get(path, HASH_SIZE * width)
            if len(data) != HASH_SIZE * width:
                raise Unreachable(f"a tile should have {HASH_SIZE * width} bytes and has {len(data)}")
            self._tiles[path] = data
        return self._tiles[path]


def _tile_path(number: int, width: int) -> str:
    groups = [f"{number % 1_000:03d}"]
    while number := number // 1_000:
        groups.insert(0, f"x{number % 1_000:03d}")
    return "/".join(groups) + ("" if width == TILE_WIDTH else f".p/{width}")


def _split(data: bytes, count: int) -> list[bytes]:
    leaves: list[bytes] = []
    at = 0
    while at < len(data) and len(leaves) < count:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        leaves.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(leaves) != count:
        raise Unreachable(f"a tile of {count} entries holds something else")
    return leaves
