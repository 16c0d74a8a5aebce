"""Cases, their members, and the chain of what happened in them."""

from __future__ import annotations

from flask import Response, request

from api.auth.accounts import Account
from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import BINARY, HEX_32
from api.settings import PAGE_ENTRIES, PAGE_ENTRIES_MAX
from api.v1.bundle_query import WITH_FILE, read_with_file
from api.v1.views import case_json, entry_json, member_json, page_json
from api.wire.answer import JSON, ZIP, bundle_answer, json_answer
from api.wire.body import read_object
from api.wire.cursor import check_query, cut, read_page
from api.wire.services import Services
from ledger.casework.people import Actor
from ledger.errors import NotFoundError
from ledger.submit.errors import UnacceptableError

CASES = Resource("cases", "/api/v1")

CASE = Parameter("case", "path", "The case: its chain.", HEX_32)
CURSOR = Parameter("cursor", "query", "The `next` of the page before.")
LIMIT = Parameter(
    "limit",
    "query",
    "Items of a page.",
    {"type": "integer", "minimum": 1, "maximum": PAGE_ENTRIES_MAX, "default": PAGE_ENTRIES},
)
LOCATION = {"Location": "Where it now stands."}

_BODY_PROBLEMS = (400, 413, 415, 422)


@CASES.operation(
    "POST",
    "/cases",
    "Open a case",
    Answer(201, "The case.", Content(JSON, "Case"), LOCATION),
    body=Content(JSON, "NewCase", example={"title": "Ахметов v. Сейтқали, contract of 3 March"}),
    problems=_BODY_PROBLEMS,
)
def open_case(services: Services, actor: Actor) -> Response:
    """Who opens it is its first member, with role party. The title is committed, and shown to members only."""
    check_query(request, ())
    body = read_object(request, {"title": str})
    case = services.ledger.open_case(actor, str(body["title"]))
    return json_answer(case_json(case), 201, location=f"/api/v1/cases/{case.case}")


@CASES.operation(
    "GET",
    "/cases",
    "List your cases",
    Answer(200, "One page, oldest first.", Content(JSON, "CasePage")),
    parameters=(CURSOR, LIMIT),
    problems=(400,),
)
def list_cases(services: Services, actor: Actor) -> Response:
    """The cases that you are a member of."""
    # The position is the index of `case.opened`; no case has index 0, where the log's own first entry stands.
    after, limit = read_page(request, "cases", 0)
    found = services.ledger.cases(actor, after, limit + 1)
    return json_answer(page_json(cut(found, limit, "cases", lambda case: case.index), case_json))


@CASES.operation(
    "GET",
    "/cases/{case}",
    "Show a case",
    Answer(200, "The case.", Content(JSON, "Case")),
    parameters=(CASE,),
    problems=(400, 404),
)
def show_case(services: Services, actor: Actor, case: str) -> Response:
    """For its members."""
    check_query(request, ())
    return json_answer(case_json(services.ledger.case(actor, case)))


@CASES.operation(
    "POST",
    "/cases/{case}/members",
    "Add a member",
    Answer(201, "The member.", Content(JSON, "Member")),
    parameters=(CASE,),
    body=Content(JSON, "NewMember", example={"user": "bekova", "role": "opposing"}),
    problems=(*_BODY_PROBLEMS, 403, 404, 409),
)
def add_member(services: Services, actor: Actor, case: str) -> Response:
    """By who opened the case, and its court. `court clerk notary expert` only for accounts of that role; once a court
    is in, only it admits a court. Nobody is on two sides."""
    check_query(request, ())
    services.ledger.case(actor, case)  # before the body: strangers learn nothing about accounts
    body = read_object(request, {"user": str, "role": str})
    account = _find(services, str(body["user"]))
    member = services.ledger.add_member(actor, case, account.name, account.role, str(body["role"]))
    return json_answer(member_json(member), 201, location=f"/api/v1/cases/{case}")


@CASES.operation(
    "GET",
    "/cases/{case}/timeline",
    "Read a case's chain",
    Answer(200, "One page, newest last.", Content(JSON, "EntryPage")),
    parameters=(CASE, CURSOR, LIMIT),
    problems=(400, 404),
)
def list_timeline(services: Services, actor: Actor, case: str) -> Response:
    """Every entry of the case in order, each with the fields that you may see. For its members."""
    start, limit = read_page(request, "timeline", 0)
    found = services.ledger.timeline(actor, case, start, limit + 1)
    return json_answer(page_json(cut(found, limit, "timeline", lambda entry: entry.seq + 1), entry_json))


@CASES.operation(
    "GET",
    "/cases/{case}/bundle",
    "Take a whole case away",
    Answer(200, "The bundle: docs/spec/bundle.md.", Content(ZIP, BINARY)),
    parameters=(CASE, WITH_FILE),
    problems=(400, 404),
)
def get_case_bundle(services: Services, actor: Actor, case: str) -> Response:
    """All of its entries with their proofs, and what you may see of them, to be verified offline. For its members."""
    return bundle_answer(services.ledger.case_bundle(actor, case, read_with_file(request)))


def _find(services: Services, name: str) -> Account:
    try:
        account = services.accounts.find(name)
    except NotFoundError as error:
        # 404 would say that the case is not there.
        raise UnacceptableError("add a member: there is no account of this name", "user") from error
    if account.disabled is not None:
        raise UnacceptableError("add a member: the account is disabled", "user")
    return account
