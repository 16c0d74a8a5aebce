"""Newline-delimited JSON: one text a line, in and out."""

from __future__ import annotations

from typing import Final

from ledger.errors import LimitError, MalformedError

MEDIA_TYPE: Final = "application/x-ndjson"
ACCEPTED: Final = (MEDIA_TYPE, "application/ndjson", "application/jsonl")


def split_lines(body: bytes, limit: int) -> list[bytes]:
    """The lines of a body, 1 to `limit`; the last may end without LF. A CR before LF is white space of JSON.

    Raises MalformedError (no line), LimitError.
    """
    if not body:
        raise MalformedError("read a batch: expected at least one line", "body")
    count = body.count(b"\n") + (not body.endswith(b"\n"))
    if count > limit:
        raise LimitError(f"read a batch: expected at most {limit} lines, got {count}", "body", limit, count)
    lines = body.split(b"\n")
    return lines[:-1] if body.endswith(b"\n") else lines
