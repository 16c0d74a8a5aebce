"""Anchoring evidence: one file with its statement, or digests alone, singly or by the thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import BINARY
from api.settings import BATCH_BYTES
from api.v1.cases import CASE, LOCATION
from api.v1.views import anchored_bytes
from api.wire import multipart, ndjson
from api.wire.answer import JSON, json_bytes
from api.wire.body import check_media_type, read_body
from api.wire.cursor import check_query
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.errors import LedgerError, LimitError, MalformedError
from ledger.submit.anchoring import check_key
from ledger.submit.errors import UnacceptableError

if TYPE_CHECKING:
    from ledger.submit.anchor_flow import Anchored

EVIDENCE = Resource("evidence", "/api/v1")

KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Makes a repetition safe: the same content gives the first receipt again (200), other content 409. Without it "
    "every call is a new submission.",
    {"type": "string", "pattern": "^[!-~]{1,64}$"},
)
_FORM = {
    "type": "object",
    "properties": {
        "file": {**BINARY, "description": "The evidence. Left out: only its digests are anchored."},
        "statement": {"$ref": "#/components/schemas/Statement"},
    },
    "required": ["statement"],
    "additionalProperties": False,
}
_LINES_AT_ONCE = 64
_PROBLEMS = (400, 403, 404, 409, 410, 413, 415, 422)


@EVIDENCE.operation(
    "POST",
    "/cases/{case}/evidence",
    "Anchor evidence",
    Answer(201, "Anchored, durably.", Content(JSON, "Anchored"), LOCATION),
    Answer(
        200, "Anchored before under this key: the first receipt, as it stands now.", Content(JSON, "Anchored"), LOCATION
    ),
    parameters=(CASE, KEY),
    body=Content(multipart.MEDIA_TYPE, _FORM),
    problems=_PROBLEMS,
)
def anchor_evidence(services: Services, actor: Actor, case: str) -> Response:
    """For any side of the case, its notaries and experts. The parts come in either order. Nothing is stored unless
    everything is acceptable; digests in the statement must be those of the file."""
    check_query(request, ())
    services.ledger.check_may_anchor(actor, case)  # before gigabytes are received
    key = _key()
    with multipart.Submission(request, services.ledger.receive_file, services.ledger.limits) as submission:
        submission.read()
        anchored = services.ledger.anchor(
            actor, case, submission.statement, submission.upload, submission.file_name, key
        )
    status = 200 if anchored.replayed else 201
    return json_bytes(anchored_bytes(anchored), status, location=f"/api/v1/evidence/{anchored.number}")


@EVIDENCE.operation(
    "POST",
    "/cases/{case}/evidence:batch",
    "Anchor many digests at once",
    Answer(201, "All anchored; a line for each, in order.", Content(ndjson.MEDIA_TYPE, "Anchored")),
    Answer(200, "All anchored before under this key.", Content(ndjson.MEDIA_TYPE, "Anchored")),
    parameters=(CASE, KEY),
    body=Content(ndjson.MEDIA_TYPE, "Statement"),
    problems=_PROBLEMS,
)
def anchor_batch(services: Services, actor: Actor, case: str) -> Response:
    """One statement without a file on each line. All or none: a bad line is named in `where`, and nothing is stored. A
    key counts for each line on its own, together with the line's number."""
    check_query(request, ())
    services.ledger.check_may_anchor(actor, case)
    key = _key()
    check_media_type(request, ndjson.ACCEPTED)
    lines = ndjson.split_lines(read_body(request, BATCH_BYTES), services.ledger.limits.batch_lines)
    try:
        anchored = services.ledger.anchor_batch(actor, case, lines, key)
    except (MalformedError, LimitError) as error:
        raise _line_error(error) from error
    status = 200 if all(each.replayed for each in anchored) else 201
    return Response(_lines(anchored), status=status, content_type=ndjson.MEDIA_TYPE)


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    check_key(key)
    return key


def _line_error(error: LedgerError) -> LedgerError:
    """Whatever is wrong with a line, the body around it could be read: 422, as CONTRACT says, not 400 or 413."""
    if error.where is not None and error.where.startswith("line "):
        return UnacceptableError(error.what, error.where)
    return error


def _lines(anchored: Sequence[Anchored]) -> Iterator[bytes]:
    """In pieces of some 500 KB: each goes out by a call of its own, after which the threads take turns."""
    for at in range(0, len(anchored), _LINES_AT_ONCE):
        yield b"\n".join([*map(anchored_bytes, anchored[at : at + _LINES_AT_ONCE]), b""])
