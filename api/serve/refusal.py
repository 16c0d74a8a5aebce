"""What a request gets that cannot be parsed as one: a problem, as everybody gets (api.wire.problem)."""

from __future__ import annotations

import json
from typing import Final

from gunicorn.http import errors  # type: ignore[import-untyped]  # ships no types

from api.wire.problem import MEDIA_TYPE

_STATUS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (errors.LimitRequestLine, 414, "URI Too Long"),
    (errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (errors.ExpectationFailed, 417, "Expectation Failed"),
    (errors.UnsupportedTransferCoding, 501, "Not Implemented"),
    (errors.ParseException, 400, "Bad Request"),
)


def refuse(error: Exception) -> tuple[int, bytes]:
    """Status and whole answer, as bytes on the wire. Nothing of the request is repeated in it."""
    status, reason = next(
        ((status, reason) for kind, status, reason in _STATUS if isinstance(error, kind)),
        (500, "Internal Server Error"),
    )
    detail = "read the request: expected HTTP/1.1 within this server's limits"
    slug = "malformed" if status < 500 else "internal"
    problem = {"detail": detail, "status": status, "title": reason, "type": f"/docs#{slug}", "where": "request"}
    body = json.dumps(problem, sort_keys=True).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\r\n"
    )
    return status, head.encode("ascii") + body
