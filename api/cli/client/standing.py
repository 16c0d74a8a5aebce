"""`standing`: who asks to be let into a case, and the answer."""

from __future__ import annotations

import click

from api.cli import PROGRAM
from api.cli.client.paging import all_pages
from api.cli.client.service import Service, json_object, segment
from api.cli.output import json_result, message, result, to_terminal
from api.cli.parsing import command, group, json_option, server_options
from ledger.entry.receipt_number import parse_number

ROLES = ("opposing", "third")

_reason = click.option("--reason", required=True, metavar="TEXT", help="Why. It is recorded.")


@group("standing", example=f"{PROGRAM} standing list 5f0c1d2e…")
def standing() -> None:
    """Ask to be let into a case with an access code, and answer those who ask."""


@command("list", short_help="List a case's requests.", example=f"{PROGRAM} standing list 5f0c1d2e…")
@click.argument("case_id", metavar="CASE")
@json_option
@server_options
def list_standing(case_id: str, as_json: bool, server: str, token: str | None) -> None:
    """Print the ids of the requests to be let into a case; on a terminal, who asked and how each stands too."""
    with Service(server, token) as service:
        listed = all_pages(service, f"/cases/{segment(case_id)}/standing")
    if as_json:
        json_result(listed)
        return
    for each in listed["items"]:
        columns = (each["user"], each["role"], each["state"]) if to_terminal() else ()
        result(each["standing"], *columns)


@command(
    "ask",
    short_help="Ask to be let in; prints the request's id.",
    example=f"{PROGRAM} standing ask EL-0000000123-20 --code ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z",
)
@click.argument("number")
@click.option("--code", required=True, metavar="CODE", help="The access code that came with the evidence.")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True, help="As whom.")
@json_option
@server_options
def ask_standing(number: str, code: str, role: str, as_json: bool, server: str, token: str | None) -> None:
    """Ask to be let into the case of the evidence NUMBER; print the request's id.

    An account of role court is let in as the case's court, if it has none: then the case's id is printed.
    """
    parse_number(number)
    with Service(server, token) as service:
        answer = service.post(f"/evidence/{segment(number)}/standing", {"code": code, "role": role})
    asked = json_object(answer)
    json_result(answer.content) if as_json else result(asked["standing"] or asked["case"])


@command(
    "admit",
    short_help="Let somebody in who asked.",
    example=f"{PROGRAM} standing admit EL-0000000124-93 --reason 'He is the defendant.'",
)
@click.argument("standing_id", metavar="ID")
@_reason
@json_option
@server_options
def admit_standing(standing_id: str, reason: str, as_json: bool, server: str, token: str | None) -> None:
    """Let in who made the request ID; print its id."""
    _rule(standing_id, "admit", reason, as_json, server, token)


@command(
    "refuse",
    short_help="Refuse a request.",
    example=f"{PROGRAM} standing refuse EL-0000000124-93 --reason 'Not concerned by the matter.'",
)
@click.argument("standing_id", metavar="ID")
@_reason
@json_option
@server_options
def refuse_standing(standing_id: str, reason: str, as_json: bool, server: str, token: str | None) -> None:
    """Refuse the request ID; print its id. The court may still admit whom the submitter refused."""
    _rule(standing_id, "refuse", reason, as_json, server, token)


def _rule(standing_id: str, order: str, reason: str, as_json: bool, server: str, token: str | None) -> None:
    parse_number(standing_id)
    with Service(server, token) as service:
        answer = service.post(f"/standing/{segment(standing_id)}/ruling", {"order": order, "reason": reason})
    ruled = json_object(answer)
    if as_json:
        json_result(answer.content)
        return
    result(ruled["standing"])
    message(f"{ruled['user']} is {ruled['state']}")


for member_command in (list_standing, ask_standing, admit_standing, refuse_standing):
    standing.add_command(member_command)
