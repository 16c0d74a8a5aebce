"""Bodies that are read whole, within a limit; and what is done with a body that nobody will read."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

from flask import Request

from api.settings import DRAIN_BYTES, DRAIN_SECONDS, JSON_BYTES, READ_BYTES
from api.wire.refusals import MediaTypeError
from ledger.entry.canonical_json import Value, parse_strict
from ledger.errors import LimitError, MalformedError
from ledger.submit.errors import UnacceptableError

_DEPTH_MAX: Final = 4
"""Deepest nesting of a JSON body: an object of lists of names; statements have a depth of their own."""


def check_media_type(request: Request, expected: Collection[str]) -> None:
    """Raises MediaTypeError unless the body is declared as one of `expected` (the first is named), uncompressed."""
    if request.mimetype not in expected:
        wanted = next(iter(expected))
        raise MediaTypeError(
            f"read the body: expected {wanted}, got {request.mimetype or 'no Content-Type'}", "content-type"
        )
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise MediaTypeError("read the body: expected no Content-Encoding", "content-encoding")


def read_body(request: Request, limit: int, where: str = "body") -> bytes:
    """The whole body, at most `limit` bytes.

    Raises LimitError; MalformedError for a body that ends before its announced length: half a batch must not be taken
    for a whole one.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise LimitError(f"read the body: expected at most {limit} bytes, got {announced}", where, limit, announced)
    chunks: list[bytes] = []
    size = 0
    while chunk := request.stream.read(min(READ_BYTES, limit + 1 - size)):
        size += len(chunk)
        chunks.append(chunk)
        if size > limit:
            raise LimitError(f"read the body: expected at most {limit} bytes, got more", where, limit, size)
    if announced is not None and size != announced:
        raise MalformedError(f"read the body: expected the announced {announced} bytes, got {size}", where)
    return b"".join(chunks)


Kinds: TypeAlias = type | tuple[type, ...]
"""What a member of a body may be."""


def read_object(
    request: Request, required: Mapping[str, Kinds], optional: Mapping[str, Kinds] | None = None
) -> dict[str, Value]:
    """The body as a JSON object that has the `required` members, perhaps `optional` ones, and no others.

    Raises MediaTypeError, LimitError, MalformedError (not JSON, a doubled key, NaN, too deep …), UnacceptableError (not
    an object, a member missing, unknown, or of another type).
    """
    check_media_type(request, ("application/json",))
    data = read_body(request, JSON_BYTES)
    try:
        value = parse_strict(data, where="body", max_depth=_DEPTH_MAX)
    except LimitError as error:
        # Nesting is a fault of the text's shape: it must not be answered as a text that is too large.
        raise MalformedError(error.what, error.where) from error
    if not isinstance(value, dict):
        raise UnacceptableError("read the body: expected a JSON object", "body")
    known = {**required, **(optional or {})}
    for name, member in value.items():
        if name not in known:
            raise UnacceptableError(
                f"read the body: unknown member; expected {', '.join(sorted(known))}", f"body.{name[:80]}"
            )
        expected = known[name]
        kinds = expected if isinstance(expected, tuple) else (expected,)
        # bool is an int to Python.
        if type(member) not in kinds:
            raise UnacceptableError(f"read the body: expected {' or '.join(map(_shown, kinds))}", f"body.{name}")
    for name in required:
        if name not in value:
            raise UnacceptableError("read the body: a member is missing", f"body.{name}")
    return value


def texts_in(body: Mapping[str, Value], name: str) -> list[str]:
    """The list of strings under this name; empty where it was left out. Raises UnacceptableError."""
    found = body.get(name, [])
    if not isinstance(found, list):
        raise UnacceptableError("read the body: expected a list", f"body.{name}")
    texts = [each for each in found if isinstance(each, str)]
    if len(texts) != len(found):
        raise UnacceptableError("read the body: expected a list of strings", f"body.{name}")
    return texts


def names_or_all(body: Mapping[str, Value], name: str) -> list[str] | Literal["all"]:
    """The list of strings under this name, or the word `all`. Raises UnacceptableError."""
    if body.get(name) == "all":
        return "all"
    if isinstance(body.get(name), str):
        raise UnacceptableError("read the body: expected a list of strings, or all", f"body.{name}")
    return texts_in(body, name)


def text_in(body: Mapping[str, Value], name: str) -> str | None:
    """The string under this name, which was read as one; None where it was left out."""
    return str(body[name]) if name in body else None


def drain(request: Request) -> bool:
    """Take what the client still sends, within bounds, so that it lives to read why it was refused.

    Returns whether the body ended. Never raises: the refusal is what must get out.
    """
    deadline = time.monotonic() + DRAIN_SECONDS
    left = DRAIN_BYTES
    try:
        while left > 0 and time.monotonic() < deadline:
            chunk = request.stream.read(min(READ_BYTES, left))
            if not chunk:
                return True
            left -= len(chunk)
    except (OSError, ValueError, MalformedError):
        return False
    return False


def _shown(kind: type) -> str:
    return {str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}[kind]
