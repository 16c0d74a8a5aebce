"""Being let into a case: requests with an access code, answers to them, new codes; and being removed."""

from __future__ import annotations

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import NUMBER
from api.v1.cases import CASE, CURSOR, LIMIT, LOCATION
from api.v1.casework_views import standing_json
from api.v1.receipts import EVIDENCE_NUMBER
from api.v1.views import case_json, page_json
from api.wire.answer import JSON, json_answer
from api.wire.body import read_object, text_in
from api.wire.cursor import check_query, cut, read_page
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.casework.views import StandingView
from ledger.entry.receipt_number import parse_number

STANDING = Resource("standing", "/api/v1")

_STANDING = Parameter("standing", "path", "The request's id.", NUMBER)
_PROBLEMS = (400, 403, 404, 409, 413, 415, 422)


@STANDING.operation(
    "POST",
    "/evidence/{number}/standing",
    "Ask to be let in",
    Answer(201, "Asked; or a court's account is let in.", Content(JSON, "Standing"), LOCATION),
    parameters=(EVIDENCE_NUMBER,),
    body=Content(JSON, "NewStanding", example={"code": "ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z", "role": "opposing"}),
    problems=(400, 404, 409, 413, 415, 422, 429),
)
def ask_for_standing(services: Services, actor: Actor, number: str) -> Response:
    """By whoever has the evidence's access code. It opens nothing by itself: the submitter or the court answers. An
    account of role court becomes the case's court, if it has none. A wrong code, an unknown number and a code that
    ended are answered alike, and attempts are counted."""
    check_query(request, ())
    body = read_object(request, {"code": str}, {"role": str})
    asked = services.ledger.desk.ask_standing(actor, number, str(body["code"]), text_in(body, "role") or "opposing")
    place = f"/api/v1/standing/{asked.standing}" if asked.standing else f"/api/v1/cases/{asked.case}"
    return json_answer(standing_json(asked), 201, location=place)


@STANDING.operation(
    "GET",
    "/standing/{standing}",
    "Show a request",
    Answer(200, "The request, and what became of it.", Content(JSON, "Standing")),
    parameters=(_STANDING,),
    problems=(400, 404),
)
def show_standing(services: Services, actor: Actor, standing: str) -> Response:
    """For members of the case, and for who asked."""
    check_query(request, ())
    return json_answer(standing_json(services.ledger.desk.standing_view(actor, standing)))


@STANDING.operation(
    "GET",
    "/cases/{case}/standing",
    "List a case's requests",
    Answer(200, "One page, oldest first.", Content(JSON, "StandingPage")),
    parameters=(CASE, CURSOR, LIMIT),
    problems=(400, 404),
)
def list_standing(services: Services, actor: Actor, case: str) -> Response:
    """For members."""
    after, limit = read_page(request, "standing", 0)
    found = services.ledger.desk.standings(actor, case, after, limit + 1)
    return json_answer(page_json(cut(found, limit, "standing", _index), standing_json))


@STANDING.operation(
    "POST",
    "/standing/{standing}/ruling",
    "Answer a request",
    Answer(201, "Recorded.", Content(JSON, "Standing"), LOCATION),
    parameters=(_STANDING,),
    body=Content(JSON, "StandingRuling", example={"order": "admit", "reason": "He is the defendant."}),
    problems=_PROBLEMS,
)
def rule_on_standing(services: Services, actor: Actor, standing: str) -> Response:
    """By who submitted the evidence, or the case's court, which may also admit whom the submitter refused."""
    check_query(request, ())
    body = read_object(request, {"order": str, "reason": str})
    ruled = services.ledger.desk.rule_standing(actor, standing, str(body["order"]), str(body["reason"]))
    return json_answer(standing_json(ruled), 201, location=f"/api/v1/standing/{standing}")


@STANDING.operation(
    "POST",
    "/evidence/{number}/access",
    "Renew the access code",
    Answer(201, "The new code; the one before has ended.", Content(JSON, "Access")),
    parameters=(EVIDENCE_NUMBER,),
    problems=(400, 403, 404, 410, 413, 415, 422),
)
def renew_access(services: Services, actor: Actor, number: str) -> Response:
    """By who submitted the evidence, and the court. There is nothing to say: no body, or an empty object."""
    check_query(request, ())
    if request.content_length:
        read_object(request, {})
    code = services.ledger.desk.renew_access(actor, number)
    return json_answer({"number": number, "access": code}, 201)


@STANDING.operation(
    "POST",
    "/cases/{case}/members/{user}/removal",
    "Remove a member",
    Answer(201, "The case as it stands now.", Content(JSON, "Case"), LOCATION),
    parameters=(CASE, Parameter("user", "path", "The account's name.")),
    body=Content(JSON, "Removal", example={"reason": "No longer represents the claimant."}),
    problems=_PROBLEMS,
)
def remove_member(services: Services, actor: Actor, case: str, user: str) -> Response:
    """By who opened the case (anybody but himself and a court), and by its court (anybody but itself), with a reason.
    The member sees nothing of the case from then on; what he did stays on record."""
    check_query(request, ())
    body = read_object(request, {"reason": str})
    left = services.ledger.desk.remove_member(actor, case, user, str(body["reason"]))
    return json_answer(case_json(left), 201, location=f"/api/v1/cases/{case}")


def _index(standing: StandingView) -> int:
    """Lists hold requests, which have ids; only a court that was let in at once has none."""
    return 0 if standing.standing is None else parse_number(standing.standing)
