"""What comes back of anchored evidence: view, receipt, file, bundle; and which entries hold a digest."""

from __future__ import annotations

import re
from typing import Final

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import BINARY, NUMBER
from api.v1.bundle_query import WITH_FILE, read_with_file
from api.v1.views import evidence_json, hit_json
from api.wire.answer import JSON, ZIP, bundle_answer, file_answer, json_answer, json_bytes, save_as
from api.wire.body import read_object
from api.wire.cursor import check_query
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.submit.errors import UnacceptableError

RECEIPTS = Resource("receipts", "/api/v1")

EVIDENCE_NUMBER = Parameter("number", "path", "The receipt number.", NUMBER)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_READ_PROBLEMS = (400, 404, 410)


@RECEIPTS.operation(
    "GET",
    "/evidence/{number}",
    "Show an entry",
    Answer(200, "The entry.", Content(JSON, "Evidence")),
    parameters=(EVIDENCE_NUMBER,),
    problems=_READ_PROBLEMS,
)
def show_evidence(services: Services, actor: Actor, number: str) -> Response:
    """Its leaf, the names of all of its fields, and the openings that you may see. For members of its case."""
    check_query(request, ())
    return json_answer(evidence_json(services.ledger.evidence(actor, number)))


@RECEIPTS.operation(
    "GET",
    "/evidence/{number}/receipt",
    "Fetch the receipt again",
    Answer(200, "The receipt, with the proof and timestamps as they stand now.", Content(JSON, "Receipt")),
    parameters=(EVIDENCE_NUMBER,),
    problems=(*_READ_PROBLEMS, 403),
)
def get_receipt(services: Services, actor: Actor, number: str) -> Response:
    """For the submitter, with the secret that opens every field; and for the court, without it."""
    check_query(request, ())
    return save_as(json_bytes(services.ledger.receipt(actor, number)), f"{number}.receipt.json")


@RECEIPTS.operation(
    "GET",
    "/evidence/{number}/file",
    "Fetch the file",
    Answer(200, "The bytes, of the media type that was found in them.", Content("*/*", BINARY)),
    Answer(206, "The range that was asked for.", Content("*/*", BINARY)),
    parameters=(EVIDENCE_NUMBER, Parameter("Range", "header", "A range of bytes (RFC 9110).")),
    problems=(*_READ_PROBLEMS, 403, 416),
)
def get_file(services: Services, actor: Actor, number: str) -> Response:
    """For the submitter's side and the court; for others once it is disclosed or ordered. Always as a download."""
    check_query(request, ())
    return file_answer(request, services.ledger.file(actor, number))


@RECEIPTS.operation(
    "GET",
    "/evidence/{number}/bundle",
    "Take the proof away",
    Answer(200, "The bundle: docs/spec/bundle.md.", Content(ZIP, BINARY)),
    parameters=(
        EVIDENCE_NUMBER,
        WITH_FILE,
    ),
    problems=_READ_PROBLEMS,
)
def get_bundle(services: Services, actor: Actor, number: str) -> Response:
    """Everything to verify the entry offline, with what you may see of it; the file goes in where you may have it."""
    return bundle_answer(services.ledger.bundle(actor, number, read_with_file(request)))


@RECEIPTS.operation(
    "POST",
    "/lookups",
    "Find a file by its digest",
    Answer(200, "The entries, oldest first.", Content(JSON, "LookupHits")),
    body=Content(JSON, "Lookup"),
    problems=(400, 413, 415, 422),
)
def look_up(services: Services, actor: Actor) -> Response:
    """The entries that commit this SHA-256 and whose digest you may see; of others not even that they exist."""
    check_query(request, ())
    digest = str(read_object(request, {"sha256": str})["sha256"])
    if not _SHA256.fullmatch(digest):
        raise UnacceptableError("look up a digest: expected 64 lower-case hex digits", "body.sha256")
    return json_answer({"items": [hit_json(hit) for hit in services.ledger.lookup(actor, digest)]})
