"""A tiled log over HTTP (C2SP tlog-tiles), read within limits; nothing it serves is believed for being served."""

from __future__ import annotations

import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO

from verifier.errors import VerifierError
from verifier.merkle import Frontier, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_SIZE = 32
MAX_CHECKPOINT = 2**20
MAX_ENTRIES = TILE_WIDTH * (2 + 65_535)
TIMEOUT_S = 20.0  # for a connection, and for each part of an answer
MAX_ANSWER_S = 120.0  # for a whole answer: a server that sends a byte at a time keeps nobody waiting for ever


class Unreachable(VerifierError):
    """The log did not answer, or not with what tlog-tiles says it answers."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A log that moves is named by its reader anew; a redirect could lead to addresses inside the reader's network."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none."""


class TiledLog:
    """The log under a URL prefix, for trees of `size` leaves."""

    def __init__(self, url: str) -> None:
        """Raises Unreachable unless the URL is an http or https one."""
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError as error:
            raise Unreachable(f"the URL is none: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise Unreachable("the URL should begin with http:// or https:// and have no query")
        self._prefix = url.rstrip("/")
        self._opener = urllib.request.build_opener(_NoRedirects)

    def checkpoint(self) -> bytes:
        """The signed checkpoint; raises Unreachable."""
        return self._get("checkpoint", MAX_CHECKPOINT)

    def frontier(self, start: int, size: int) -> Frontier:
        """The tree of the first `start` leaves, from the tiles of the tree of `size`; raises Unreachable."""
        subtrees: list[bytes] = []
        first = 0
        for height in range(start.bit_length() - 1, -1, -1):
            if start >> height & 1:
                subtrees.append(self._subtree(first >> height, height, size))
                first += 1 << height
        return Frontier(start, subtrees)

    def leaves(self, start: int, size: int) -> Iterator[bytes]:
        """The leaves from `start` up to `size`; raises Unreachable."""
        for number in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            bundle = _split(self._get(f"tile/entries/{_tile_path(number, width)}", MAX_ENTRIES), width)
            yield from bundle[max(0, start - number * TILE_WIDTH) :]

    def _subtree(self, position: int, height: int, size: int) -> bytes:
        """The root of a perfect subtree: the one at `position` among those of 2^height leaves."""
        level, above = divmod(height, TILE_HEIGHT)
        first = position << above
        number, offset = divmod(first, TILE_WIDTH)
        width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - number * TILE_WIDTH)
        data = self._get(f"tile/{level}/{_tile_path(number, width)}", HASH_SIZE * width)
        if len(data) != HASH_SIZE * width:
            raise Unreachable(f"a tile should have {HASH_SIZE * width} bytes and has {len(data)}")
        nodes = [data[HASH_SIZE * place : HASH_SIZE * (place + 1)] for place in range(offset, offset + (1 << above))]
        while len(nodes) > 1:
            nodes = [node_hash(left, right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
        return nodes[0]

    def _get(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of a resource, unpacked; raises Unreachable."""
        request = urllib.request.Request(f"{self._prefix}/{path}", headers={"Accept-Encoding": "identity, gzip"})  # noqa: S310 - only http and https, see __init__
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                data = _unpacked(response, limit)
        except (OSError, HTTPException, ValueError, zlib.error) as error:
            raise Unreachable(f"{path} cannot be had: {type(error).__name__}") from None
        if len(data) > limit:
            raise Unreachable(f"{path} should have at most {limit} bytes and has more")
        return data


def _unpacked(response: HTTPResponse, limit: int) -> bytes:
    """The body, or its first `limit` + 1 bytes where it is longer."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding == "identity":
        return _read(response, limit + 1)
    if encoding != "gzip":
        raise ValueError(encoding)
    # What does not compress, as hashes do not, grows a little: gzip adds 18 bytes and 5 for each 64 KiB or less.
    packed = _read(response, limit + limit // 64 + 1_024)
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(packed, limit + 1)


def _read(response: HTTPResponse, size: int) -> bytes:
    data = bytearray()
    end = time.monotonic() + MAX_ANSWER_S
    while len(data) < size and (chunk := response.read1(size - len(data))):
        data += chunk
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(data)


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
