"""What happens to evidence, and between the parties, on record: transfers, revealing, channels, erasure."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from api.openapi.operation import Answer, Content, Resource
from api.v1.cases import CASE
from api.v1.receipts import EVIDENCE_NUMBER
from api.wire.answer import JSON, json_answer
from api.wire.body import names_or_all, read_object, text_in, texts_in
from api.wire.cursor import check_query
from api.wire.services import Services
from ledger.casework.custody import Transfer
from ledger.casework.people import Actor
from ledger.entry.canonical_json import Value
from ledger.submit.errors import UnacceptableError

CUSTODY = Resource("custody", "/api/v1")

_ACT = Answer(201, "Recorded.", Content(JSON, "Act"))
_PROBLEMS = (400, 403, 404, 413, 415, 422)
_PARTICULARS = ("from", "at", "place", "reason", "authority", "condition", "changes")


@CUSTODY.operation(
    "POST",
    "/evidence/{number}/custody",
    "Record a transfer of custody",
    _ACT,
    parameters=(EVIDENCE_NUMBER,),
    body=Content(
        JSON,
        "Transfer",
        example={"to": "Forensic centre, Astana", "at": "2026-11-21T09:15:02.123Z", "reason": "examination"},
    ),
    problems=_PROBLEMS,
)
def transfer_custody(services: Services, actor: Actor, number: str) -> Response:
    """By any member: it is his word, with his name on it."""
    check_query(request, ())
    body = read_object(request, {"to": str}, dict.fromkeys(_PARTICULARS, str))
    said = {name: text_in(body, name) for name in _PARTICULARS if name != "from"}
    transfer = Transfer(to=str(body["to"]), from_=text_in(body, "from"), **said)
    act = services.ledger.desk.transfer_custody(actor, number, transfer)
    return json_answer({"act": act, "number": number}, 201)


@CUSTODY.operation(
    "POST",
    "/evidence/{number}/reveal",
    "Open fields to all members",
    _ACT,
    parameters=(EVIDENCE_NUMBER,),
    body=Content(JSON, "Revealed", example={"fields": ["declared.author", "file"]}),
    problems=(*_PROBLEMS, 409),
)
def reveal(services: Services, actor: Actor, number: str) -> Response:
    """By the submitter's side: committed then, revealed now. What is sealed only a ruling opens."""
    check_query(request, ())
    body = read_object(request, {"fields": list})
    act = services.ledger.desk.reveal(actor, number, texts_in(body, "fields"))
    return json_answer({"act": act, "number": number}, 201)


@CUSTODY.operation(
    "POST",
    "/cases/{case}/channels",
    "Declare channels",
    Answer(201, "Recorded.", Content(JSON, "CaseAct")),
    parameters=(CASE,),
    body=Content(JSON, "Channels", example={"channels": [{"address": "a@example.kz", "kind": "email"}]}),
    problems=_PROBLEMS,
)
def declare_channels(services: Services, actor: Actor, case: str) -> Response:
    """By a side: the addresses, numbers and accounts from which its messages count. A presumption, no proof."""
    check_query(request, ())
    listed = read_object(request, {"channels": list})["channels"]
    channels = [_texts(each, place) for place, each in enumerate(listed if isinstance(listed, list) else [])]
    act = services.ledger.desk.declare_channels(actor, case, channels)
    return json_answer({"act": act, "case": case}, 201)


@CUSTODY.operation(
    "POST",
    "/evidence/{number}/erasure",
    "Erase on a court's order",
    Answer(201, "Recorded, and carried out.", Content(JSON, "Erasure")),
    parameters=(EVIDENCE_NUMBER,),
    body=Content(
        JSON, "NewErasure", example={"fields": ["declared.author"], "order": "Ruling of 21 November 2026, court No. 2"}
    ),
    problems=(*_PROBLEMS, 409),
)
def erase(services: Services, actor: Actor, number: str) -> Response:
    """By the case's court; by an account of role operator on a court's written order, named in `order`. The openings
    are destroyed. Leaf and chain stay, and all else still verifies. `unfinished` is null, or says why the database's
    own files, or a locked store of blobs, may still hold old bytes, and who must do what; the server goes on trying."""
    check_query(request, ())
    body = read_object(request, {"fields": (str, list), "order": str})
    erased = services.ledger.erase(actor, number, names_or_all(body, "fields"), str(body["order"]))
    return json_answer(
        {
            "erasure": erased.erasure,
            "number": erased.number,
            "fields": list(erased.fields),
            "unfinished": erased.unfinished,
        },
        201,
    )


def _texts(value: Value, place: int) -> Mapping[str, str]:
    """An object of strings."""
    texts = {name: each for name, each in value.items() if isinstance(each, str)} if isinstance(value, dict) else {}
    if not isinstance(value, dict) or len(texts) != len(value):
        raise UnacceptableError("read the body: expected an object of strings", f"body.channels.{place}")
    return texts
