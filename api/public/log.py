"""The log itself, as C2SP tlog-tiles serves it."""

from __future__ import annotations

import gzip
from typing import Final

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import BINARY
from api.wire.answer import text_answer
from api.wire.headers import OPEN_TO_ALL
from api.wire.services import Services
from ledger.errors import MalformedError, NotFoundError
from ledger.merkle.tiles import parse_entries_path, parse_tile_path

LOG = Resource("log", is_public=True)

# tlog-tiles: mutable, not to be cached beyond a few seconds; and immutable, long-lived.
_CHECKPOINT_CACHE: Final = "public, max-age=1"
_TILE_CACHE: Final = "public, max-age=31536000, immutable"
_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
_INDEX = Parameter("index", "path", "x001/x234/067, with .p/<width> for a partial one.", spans=True)
# Leaves are hex and JSON: level 1 halves them, and the levels above cost more than they save.
_GZIP_LEVEL: Final = 1


@LOG.operation(
    "GET",
    "/checkpoint",
    "The newest published checkpoint",
    Answer(200, "A signed note (C2SP tlog-checkpoint).", Content("text/plain", {"type": "string"})),
    problems=(404, 503),
)
def get_checkpoint(services: Services) -> Response:
    """Signed by the log and, where the policy asks for witnesses, cosigned. Not found before the first quorum."""
    note = services.ledger.checkpoint()
    if note is None:
        raise NotFoundError("read the checkpoint: none is published yet")
    return text_answer(note, _TEXT, {"Cache-Control": _CHECKPOINT_CACHE, **OPEN_TO_ALL})


@LOG.operation(
    "GET",
    "/tile/{level}/{index}",
    "A tile of the tree",
    Answer(200, "1 to 256 hashes of 32 bytes.", Content(_BYTES, BINARY)),
    parameters=(Parameter("level", "path", "0 to 63.", {"type": "integer"}), _INDEX),
    problems=(404, 503),
)
def get_tile(services: Services, level: str, index: str) -> Response:
    """C2SP tlog-tiles. Immutable. Partial tiles are served for every size that was signed."""
    try:
        tile = parse_tile_path(f"tile/{level}/{index}")
    except MalformedError as error:
        raise NotFoundError(error.what) from error
    return _immutable(services.ledger.tile(tile.level, tile.index, tile.width))


@LOG.operation(
    "GET",
    "/tile/entries/{index}",
    "A bundle of leaves",
    Answer(200, "1 to 256 leaves, each after its length in two bytes.", Content(_BYTES, BINARY)),
    parameters=(_INDEX,),
    problems=(404, 503),
)
def get_entry_tile(services: Services, index: str) -> Response:
    """C2SP tlog-tiles. Immutable; compressed for who says so."""
    try:
        bundle = parse_entries_path(f"tile/entries/{index}")
    except MalformedError as error:
        raise NotFoundError(error.what) from error
    response = _immutable(services.ledger.entry_tile(bundle.index, bundle.width))
    response.headers["Vary"] = "Accept-Encoding"
    if request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(response.get_data(), _GZIP_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _immutable(data: bytes) -> Response:
    return text_answer(data, _BYTES, {"Cache-Control": _TILE_CACHE, **OPEN_TO_ALL})
