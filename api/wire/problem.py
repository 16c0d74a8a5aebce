"""Every 4xx and 5xx is one object (RFC 9457, application/problem+json):

    {"detail": "parse json: the key 'a' stands twice", "status": 400, "title": "Malformed", "type": "/docs#malformed",
     "where": "statement"}

`where` is the place in the request (a member, a part, a line, a header) or null. `type` leads to the documentation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePath
from traceback import extract_tb
from typing import Final

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

import ledger.errors as errors
from api.auth.accounts import UnauthenticatedError
from api.wire.refusals import MediaTypeError
from ledger.submit.errors import UnacceptableError

MEDIA_TYPE: Final = "application/problem+json"

_log = logging.getLogger("evidence_ledger.http")

# The innermost places of a trace; those further out are the framework's.
_FRAMES_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `slug` names it in `type`; `meaning` is what the documentation says of it."""

    status: int
    slug: str
    title: str
    meaning: str


MALFORMED: Final = Kind(
    400, "malformed", "Malformed", "The request cannot be read: its syntax, encoding or form is broken."
)
UNAUTHENTICATED: Final = Kind(401, "unauthenticated", "No valid token", "No token was sent, or one that opens nothing.")
FORBIDDEN: Final = Kind(403, "forbidden", "Not allowed", "You are known, and may not do or see this.")
NOT_FOUND: Final = Kind(
    404, "not-found", "Not found", "There is nothing here, or nothing that you may know of: the two look the same."
)
METHOD: Final = Kind(405, "method", "Method not allowed", "This address knows other methods; `Allow` names them.")
CONFLICT: Final = Kind(
    409,
    "conflict",
    "Conflict",
    "Something else stands there already, such as other content under the same Idempotency-Key.",
)
ERASED: Final = Kind(410, "erased", "Erased", "It was here, and was erased by order; its leaf stays in the log.")
TOO_LARGE: Final = Kind(413, "too-large", "Too large", "A limit is exceeded; `limit` is the largest amount allowed.")
MEDIA_TYPE_UNKNOWN: Final = Kind(415, "media-type", "Unsupported media type", "The body is of a type not taken here.")
UNACCEPTABLE: Final = Kind(
    422,
    "unacceptable",
    "Not acceptable as evidence",
    "It can be read, and cannot be taken as it is: `where` says what.",
)
TOO_OFTEN: Final = Kind(429, "too-often", "Too often", "Try again after the seconds in Retry-After.")
RANGE: Final = Kind(416, "range", "Range not satisfiable", "The file has no such bytes; `Content-Range` says its size.")
INTERNAL: Final = Kind(
    500, "internal", "Fault of the ledger", "A fault on our side. It is logged; nothing was acknowledged."
)
UNAVAILABLE: Final = Kind(503, "unavailable", "Full or down", "Try again after the seconds in Retry-After.")

KINDS: Final = (MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, CONFLICT, ERASED, TOO_LARGE,
                MEDIA_TYPE_UNKNOWN, UNACCEPTABLE, RANGE, TOO_OFTEN, INTERNAL, UNAVAILABLE)  # fmt: skip

_BY_ERROR: Final[tuple[tuple[type[errors.LedgerError], Kind], ...]] = (
    (UnauthenticatedError, UNAUTHENTICATED),
    (MediaTypeError, MEDIA_TYPE_UNKNOWN),
    (UnacceptableError, UNACCEPTABLE),
    (errors.MalformedError, MALFORMED),
    (errors.LimitError, TOO_LARGE),
    (errors.ErasedError, ERASED),
    (errors.NotFoundError, NOT_FOUND),
    (errors.ForbiddenError, FORBIDDEN),
    (errors.ConflictError, CONFLICT),
    (errors.TooOftenError, TOO_OFTEN),
    (errors.UnavailableError, UNAVAILABLE),
)
# In our own words where the framework guesses at a person typing an address.
_DETAILS: Final = {
    404: "find the address: there is none like it; /docs lists them",
    405: "find the method: expected one of those in Allow",
    416: "read a range: expected one within the file",
}
_PLACES: Final = {404: "path", 405: "method", 416: "range"}
_BY_STATUS: Final = {kind.status: kind for kind in KINDS}


class Problem(Response):
    """An error's answer. `slug`: of its kind."""

    slug: str


def problem(
    kind: Kind,
    detail: str,
    where: str | None = None,
    *,
    more: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error's answer of this kind."""
    body = {
        "type": f"/docs#{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "where": where,
        **(more or {}),
    }
    # ASCII: what a client sent back in `detail` may hold a lone surrogate, which has no UTF-8.
    text = json.dumps(body, sort_keys=True) + "\n"
    answer = Problem(text, status=kind.status, content_type=MEDIA_TYPE, headers=headers)
    answer.slug = kind.slug
    return answer


def kind_of(error: errors.LedgerError) -> Kind:
    """The kind of problem that an error of the ledger is; INTERNAL for those that no request can cause."""
    return next((kind for cause, kind in _BY_ERROR if isinstance(error, cause)), INTERNAL)


def from_ledger(error: errors.LedgerError) -> Response:
    """The answer to what the ledger raised."""
    kind = kind_of(error)
    if kind is INTERNAL:
        # What it says may name paths and records: it is for the operator.
        _log.error("a request failed: %s; %s", error.what, trace(error))
        return problem(INTERNAL, "the ledger failed to answer; the operator's log says why")
    more: dict[str, object] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.LimitError):
        more = {"limit": error.limit, "got": error.got}
    if isinstance(error, errors.UnavailableError | errors.TooOftenError):
        headers["Retry-After"] = str(max(1, error.retry_after))
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="evidence-ledger"'
    if isinstance(error, errors.ErasedError) and error.number:
        more = {"number": error.number}
    return problem(kind, error.what, error.where, more=more, headers=headers)


def from_framework(error: HTTPException) -> Response:
    """The answer to what Flask and Werkzeug raise: no such route, another method, a client that went away …"""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _BY_STATUS.get(status)
    if kind is None:
        phrase = HTTPStatus(status).phrase
        kind = Kind(status, "http", phrase, "")
    headers = {
        name: value for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    }
    detail = _DETAILS.get(status) or (error.description or kind.title).rstrip(".")
    return problem(kind, detail[:1].lower() + detail[1:], _PLACES.get(status), headers=headers)


def from_bug(error: Exception) -> Response:
    """The answer to an exception that nobody foresaw."""
    _log.error("a request failed unexpectedly: %s", trace(error))
    return problem(INTERNAL, "the ledger failed to answer; the operator's log says why")


def trace(error: BaseException) -> str:
    """Where an exception came from, and what caused it: types and places, no words. A database's or a parser's message
    may quote what it failed on, and that may be an opening.
    """
    links: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        frames = [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in extract_tb(cause.__traceback__)]
        links.append(f"{type(cause).__name__} at {' > '.join(frames[-_FRAMES_MAX:]) or 'an unknown place'}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return ", caused by ".join(links)


def install(app: Flask) -> None:
    """Let every error of `app` take this shape."""

    def answer_framework(error: HTTPException) -> Response | HTTPException:
        # A redirect is raised like an error, and is none.
        return error if error.code is not None and error.code < 400 else from_framework(error)

    app.register_error_handler(errors.LedgerError, from_ledger)
    app.register_error_handler(HTTPException, answer_framework)
    app.register_error_handler(Exception, from_bug)
