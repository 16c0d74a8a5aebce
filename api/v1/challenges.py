"""Challenges to evidence, answers to them and rulings on them; admissions."""

from __future__ import annotations

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import NUMBER
from api.v1.cases import LOCATION
from api.v1.casework_views import challenge_json
from api.v1.receipts import EVIDENCE_NUMBER
from api.wire.answer import JSON, json_answer
from api.wire.body import read_object, text_in, texts_in
from api.wire.cursor import check_query
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.casework.views import ChallengeView

CHALLENGES = Resource("challenges", "/api/v1")

_CHALLENGE = Parameter("challenge", "path", "The challenge's id.", NUMBER)
_MADE = Answer(201, "Recorded.", Content(JSON, "Challenge"), LOCATION)
_PROBLEMS = (400, 403, 404, 409, 413, 415, 422)


@CHALLENGES.operation(
    "POST",
    "/evidence/{number}/challenges",
    "Challenge evidence",
    _MADE,
    parameters=(EVIDENCE_NUMBER,),
    body=Content(JSON, "NewChallenge", example={"heads": ["author", "time"], "grounds": "I never wrote this."}),
    problems=_PROBLEMS,
)
def challenge_evidence(services: Services, actor: Actor, number: str) -> Response:
    """By any side but the submitter's: that content, author, time, source, completeness or copy are not what they are
    said to be, wholly or for some fields."""
    check_query(request, ())
    body = read_object(request, {"grounds": str}, {"heads": list, "fields": list})
    heads = texts_in(body, "heads") if "heads" in body else ["content"]
    fields, grounds = texts_in(body, "fields"), str(body["grounds"])
    return _answer(services.ledger.desk.challenge(actor, number, heads, fields, grounds))


@CHALLENGES.operation(
    "POST",
    "/evidence/{number}/admissions",
    "Admit evidence",
    _MADE,
    parameters=(EVIDENCE_NUMBER,),
    body=Content(JSON, "Admission", example={"fields": ["declared.author"]}),
    problems=_PROBLEMS,
)
def admit_evidence(services: Services, actor: Actor, number: str) -> Response:
    """By any side but the submitter's: it is what it is said to be, wholly or for some fields."""
    check_query(request, ())
    body = read_object(request, {}, {"fields": list, "grounds": str})
    return _answer(services.ledger.desk.admit(actor, number, texts_in(body, "fields"), text_in(body, "grounds")))


@CHALLENGES.operation(
    "GET",
    "/challenges/{challenge}",
    "Show a challenge or an admission",
    Answer(200, "It, and what happened to it.", Content(JSON, "Challenge")),
    parameters=(_CHALLENGE,),
    problems=(400, 404),
)
def show_challenge(services: Services, actor: Actor, challenge: str) -> Response:
    """For members of its case. Those of one piece of evidence stand in its view."""
    check_query(request, ())
    return json_answer(challenge_json(services.ledger.desk.docket.challenge(actor, challenge)))


@CHALLENGES.operation(
    "POST",
    "/challenges/{challenge}/answer",
    "Answer a challenge",
    _MADE,
    parameters=(_CHALLENGE,),
    body=Content(JSON, "ChallengeAnswer", example={"text": "The original lies at the notary's."}),
    problems=_PROBLEMS,
)
def answer_challenge(services: Services, actor: Actor, challenge: str) -> Response:
    """By the submitter's side."""
    check_query(request, ())
    body = read_object(request, {"text": str})
    return _answer(services.ledger.desk.answer_challenge(actor, challenge, str(body["text"])))


@CHALLENGES.operation(
    "POST",
    "/challenges/{challenge}/ruling",
    "Rule on a challenge",
    _MADE,
    parameters=(_CHALLENGE,),
    body=Content(JSON, "ChallengeRuling", example={"order": "dismissed", "reason": "The original agrees with it."}),
    problems=_PROBLEMS,
)
def rule_on_challenge(services: Services, actor: Actor, challenge: str) -> Response:
    """By the case's court."""
    check_query(request, ())
    body = read_object(request, {"order": str, "reason": str})
    ruled = services.ledger.desk.rule_challenge(actor, challenge, str(body["order"]), str(body["reason"]))
    return _answer(ruled)


def _answer(challenge: ChallengeView) -> Response:
    return json_answer(challenge_json(challenge), 201, location=f"/api/v1/challenges/{challenge.challenge}")
