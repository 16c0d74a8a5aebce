"""`demand`, `demands`, `disclose`, `refuse`, `rule`: what was committed is what must open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import httpx

from api.cli import PROGRAM
from api.cli.client.naming import ALL, fields_option, names_or_all
from api.cli.client.paging import all_pages
from api.cli.client.service import Service, json_object, segment
from api.cli.output import json_result, message, result, to_terminal
from api.cli.parsing import command, json_option, server_options
from ledger.entry.receipt_number import parse_number

OBJECTS = ("fields", "file", "original", "inspection")
ANSWERS = ("disclosed", "partly", "not_held", "produced_later")
ORDERS = ("disclose", "uphold-refusal")


@command(
    "demand",
    short_help="Demand what was committed; prints the demand's id.",
    example=f"{PROGRAM} demand EL-0000000123-20 --fields extracted.gps,extracted.author --grounds 'It bears no date.'\n"
    f"{PROGRAM} demand EL-0000000123-20 --object original --grounds 'The copy is disputed.'",
)
@click.argument("number")
@fields_option("Names, or prefixes that end in .*")
@click.option("--all", "everything", is_flag=True, help="Every field.")
@click.option("--object", "object_", type=click.Choice(OBJECTS), default=OBJECTS[0], show_default=True)
@click.option("--grounds", required=True, metavar="TEXT", help="Why. It is recorded, and all sides read it.")
@json_option
@server_options
def demand(
    number: str,
    fields: Sequence[str] | None,
    everything: bool,
    object_: str,
    grounds: str,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Demand fields of the evidence NUMBER, its file, its original or an inspection; print the demand's id."""
    body: dict[str, object] = {"grounds": grounds, "object": object_}
    if object_ == OBJECTS[0]:
        body["fields"] = names_or_all(fields, everything)
    elif fields is not None or everything:
        raise click.UsageError(f"--object {object_}: expected neither --fields nor --all")
    parse_number(number)
    with Service(server, token) as service:
        answer = service.post(f"/evidence/{segment(number)}/demands", body)
    _show(answer, as_json, f"to be answered by {json_object(answer).get('due_at')}")


@command("demands", short_help="List a case's demands.", example=f"{PROGRAM} demands 5f0c1d2e…")
@click.argument("case_id", metavar="CASE")
@json_option
@server_options
def demands(case_id: str, as_json: bool, server: str, token: str | None) -> None:
    """Print the ids of the demands in a case; on a terminal, what each is about and how it stands too."""
    with Service(server, token) as service:
        listed = all_pages(service, f"/cases/{segment(case_id)}/demands")
    if as_json:
        json_result(listed)
        return
    for each in listed["items"]:
        result(each["demand"], *_described(each)) if to_terminal() else result(each["demand"])


@command(
    "disclose",
    short_help="Answer a demand.",
    example=f"{PROGRAM} disclose EL-0000000124-93 --fields extracted.gps\n"
    f"{PROGRAM} disclose EL-0000000124-93 --answer not_held --text 'The telephone was lost.'",
)
@click.argument("demand_id", metavar="DEMAND")
@fields_option("What to open; without it, all that was demanded and needs no ruling.")
@click.option("--answer", type=click.Choice(ANSWERS), default=ANSWERS[0], show_default=True)
@click.option("--text", metavar="TEXT", help="What there is to say; how an original can be inspected.")
@click.option("--produced", metavar="NUMBER", help="produced_later: the evidence that was anchored since.")
@json_option
@server_options
def disclose(
    demand_id: str,
    fields: Sequence[str] | None,
    answer: str,
    text: str | None,
    produced: str | None,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Answer a DEMAND: open what was demanded to the side that demanded it and to the court; print the demand's id."""
    said = {"answer": answer, "fields": fields, "text": text, "produced": produced}
    _act(
        demand_id,
        "disclosure",
        {name: value for name, value in said.items() if value is not None},
        as_json,
        server,
        token,
    )


@command(
    "refuse",
    short_help="Refuse a demand, with a reason.",
    example=f"{PROGRAM} refuse EL-0000000124-93 --reason 'A trade secret of a third person.'",
)
@click.argument("demand_id", metavar="DEMAND")
@click.option("--reason", required=True, metavar="TEXT", help="Why. The court can see it, and overrule it.")
@json_option
@server_options
def refuse(demand_id: str, reason: str, as_json: bool, server: str, token: str | None) -> None:
    """Refuse a DEMAND, or what was not disclosed of it; print the demand's id."""
    _act(demand_id, "refusal", {"reason": reason}, as_json, server, token)


@command(
    "rule",
    short_help="Rule on a demand, as the case's court.",
    example=f"{PROGRAM} rule EL-0000000124-93 --order disclose --reason 'The author is in dispute.'",
)
@click.argument("demand_id", metavar="DEMAND")
@click.option("--order", required=True, type=click.Choice(ORDERS))
@click.option("--reason", required=True, metavar="TEXT")
@fields_option("What the order opens; without it, all that was demanded.")
@json_option
@server_options
def rule(
    demand_id: str,
    order: str,
    reason: str,
    fields: Sequence[str] | None,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Order the disclosure of what a DEMAND names, sealed fields too, or uphold its refusal; print the demand's id."""
    body = {"order": order, "reason": reason, "fields": fields}
    _act(
        demand_id, "ruling", {name: value for name, value in body.items() if value is not None}, as_json, server, token
    )


def _act(demand_id: str, act: str, body: Mapping[str, object], as_json: bool, server: str, token: str | None) -> None:
    parse_number(demand_id)
    with Service(server, token) as service:
        answer = service.post(f"/demands/{segment(demand_id)}/{act}", body)
    _show(answer, as_json, f"the demand is now {json_object(answer).get('state')}")


def _show(answer: httpx.Response, as_json: bool, said: str) -> None:
    if as_json:
        json_result(answer.content)
        return
    result(json_object(answer)["demand"])
    message(said)


def _described(each: Mapping[str, Any]) -> tuple[str, ...]:
    names = each["fields"]
    wanted = each["object"] if each["object"] != OBJECTS[0] else names if names == ALL else ",".join(names)
    return each["state"], each["number"], each["by"], each["due_at"], wanted
