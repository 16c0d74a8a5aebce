"""Demands for metadata, files, originals and inspections; their answers, refusals and rulings."""

from __future__ import annotations

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import NUMBER
from api.v1.cases import CASE, CURSOR, LIMIT, LOCATION
from api.v1.casework_views import demand_json
from api.v1.receipts import EVIDENCE_NUMBER
from api.v1.views import page_json
from api.wire.answer import JSON, json_answer
from api.wire.body import names_or_all, read_object, text_in
from api.wire.cursor import check_query, cut, read_page
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.casework.views import DemandView

DEMANDS = Resource("demands", "/api/v1")

_DEMAND = Parameter("demand", "path", "The demand's id.", NUMBER)
_ANSWERED = Answer(201, "Recorded: the demand as it stands now.", Content(JSON, "Demand"), LOCATION)
_PROBLEMS = (400, 403, 404, 409, 413, 415, 422)


@DEMANDS.operation(
    "POST",
    "/evidence/{number}/demands",
    "Demand what was committed",
    Answer(201, "The demand.", Content(JSON, "Demand"), LOCATION),
    parameters=(EVIDENCE_NUMBER,),
    body=Content(
        JSON,
        "NewDemand",
        example={
            "fields": ["extracted.author", "extracted.gps"],
            "object": "fields",
            "grounds": "The photograph bears no date.",
        },
    ),
    problems=_PROBLEMS,
)
def lodge_demand(services: Services, actor: Actor, number: str) -> Response:
    """By any side but the submitter's, and the court. Names that were never committed may be demanded: that is then
    the answer. Recorded in the case's chain, with the day by which it is to be answered."""
    check_query(request, ())
    body = read_object(request, {"grounds": str}, {"fields": (str, list), "object": str})
    demand = services.ledger.desk.demand(
        actor,
        number,
        fields=names_or_all(body, "fields"),
        object=text_in(body, "object") or "fields",
        grounds=str(body["grounds"]),
    )
    return _answer(demand)


@DEMANDS.operation(
    "GET",
    "/demands/{demand}",
    "Show a demand",
    Answer(200, "The demand, and what happened to it.", Content(JSON, "Demand")),
    parameters=(_DEMAND,),
    problems=(400, 404),
)
def show_demand(services: Services, actor: Actor, demand: str) -> Response:
    """For members of its case."""
    check_query(request, ())
    return json_answer(demand_json(services.ledger.desk.demand_view(actor, demand)))


@DEMANDS.operation(
    "GET",
    "/cases/{case}/demands",
    "List a case's demands",
    Answer(200, "One page, oldest first.", Content(JSON, "DemandPage")),
    parameters=(CASE, CURSOR, LIMIT),
    problems=(400, 404),
)
def list_demands(services: Services, actor: Actor, case: str) -> Response:
    """For members."""
    # The position is a demand's index; none has index 0, where the log's own first entry stands.
    after, limit = read_page(request, "demands", 0)
    found = services.ledger.desk.demands(actor, case, after, limit + 1)
    return json_answer(page_json(cut(found, limit, "demands", lambda demand: demand.index), demand_json))


@DEMANDS.operation(
    "POST",
    "/demands/{demand}/disclosure",
    "Answer a demand",
    _ANSWERED,
    parameters=(_DEMAND,),
    body=Content(JSON, "Disclosure", example={"fields": ["extracted.author"], "answer": "partly"}),
    problems=_PROBLEMS,
)
def disclose(services: Services, actor: Actor, demand: str) -> Response:
    """By the submitter's side. What is named, or without names all that was demanded, opens to the side that demanded
    it and to the court; what is sealed only a ruling opens. What is produced later is another entry, and is always
    shown as committed after the demand."""
    check_query(request, ())
    body = read_object(request, {}, {"fields": (str, list), "answer": str, "text": str, "produced": str})
    names = names_or_all(body, "fields") if "fields" in body else "all"
    answered = services.ledger.desk.disclose(
        actor,
        demand,
        answer=text_in(body, "answer") or "disclosed",
        fields=None if names == "all" else names,
        text=text_in(body, "text"),
        produced=text_in(body, "produced"),
    )
    return _answer(answered)


@DEMANDS.operation(
    "POST",
    "/demands/{demand}/refusal",
    "Refuse a demand",
    _ANSWERED,
    parameters=(_DEMAND,),
    body=Content(JSON, "Refusal", example={"reason": "A trade secret of a third person."}),
    problems=_PROBLEMS,
)
def refuse(services: Services, actor: Actor, demand: str) -> Response:
    """By the submitter's side, with a reason that the court can see and overrule."""
    check_query(request, ())
    body = read_object(request, {"reason": str})
    return _answer(services.ledger.desk.refuse(actor, demand, str(body["reason"])))


@DEMANDS.operation(
    "POST",
    "/demands/{demand}/ruling",
    "Rule on a demand",
    _ANSWERED,
    parameters=(_DEMAND,),
    body=Content(JSON, "DemandRuling", example={"order": "disclose", "reason": "The author is in dispute."}),
    problems=_PROBLEMS,
)
def rule(services: Services, actor: Actor, demand: str) -> Response:
    """By the case's court. An order opens the named fields of the named entry, sealed ones too, and nothing else."""
    check_query(request, ())
    body = read_object(request, {"order": str, "reason": str}, {"fields": (str, list)})
    names = names_or_all(body, "fields") if "fields" in body else "all"
    ruled = services.ledger.desk.rule(
        actor, demand, str(body["order"]), str(body["reason"]), None if names == "all" else names
    )
    return _answer(ruled)


def _answer(demand: DemandView) -> Response:
    return json_answer(demand_json(demand), 201, location=f"/api/v1/demands/{demand.demand}")
