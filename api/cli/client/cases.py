"""`case`: open cases, look at them, let others in, and take a whole case away as a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.client.downloading import download_bundle
from api.cli.client.paging import all_pages
from api.cli.client.service import Service, json_object, segment
from api.cli.output import json_result, message, result, to_terminal
from api.cli.parsing import command, group, json_option, output_option, server_options

ROLES = ("party", "opposing", "third", "court", "clerk", "notary", "expert")


@group("case", example=f"{PROGRAM} case open 'A. against B., 2026'")
def case() -> None:
    """Open cases, look at them, add members."""


@command("open", short_help="Open a case; prints its id.", example=f"{PROGRAM} case open 'A. against B., 2026'")
@click.argument("title")
@json_option
@server_options
def open_case(title: str, as_json: bool, server: str, token: str | None) -> None:
    """Open a case called TITLE and print its id. You are its first member, with the role party."""
    with Service(server, token) as service:
        answer = service.post("/cases", {"title": title})
    json_result(answer.content) if as_json else result(json_object(answer)["case"])


@command("list", short_help="List your cases.", example=f"{PROGRAM} case list")
@json_option
@server_options
def list_cases(as_json: bool, server: str, token: str | None) -> None:
    """Print the ids of the cases you are a member of; on a terminal, their titles too."""
    with Service(server, token) as service:
        listed = all_pages(service, "/cases")
    if as_json:
        json_result(listed)
        return
    for each in listed["items"]:
        result(each["case"], each["title"]) if to_terminal() else result(each["case"])


@command("show", short_help="Show a case, its members and entries.", example=f"{PROGRAM} case show 5f0c1d2e…")
@click.argument("case_id", metavar="CASE")
@json_option
@server_options
def show_case(case_id: str, as_json: bool, server: str, token: str | None) -> None:
    """Print a case: its title, its members, and its entries in their order, columns separated by tabs."""
    with Service(server, token) as service:
        answer = service.get(f"/cases/{segment(case_id)}")
        if as_json:
            json_result(answer.content)
            return
        timeline = all_pages(service, f"/cases/{segment(case_id)}/timeline")
    shown = json_object(answer)
    result("case", shown["case"])
    result("title", shown["title"])
    for member in shown["members"]:
        result("member", member["user"], member["role"], member["side"])
    for entry in timeline["items"]:
        result("entry", entry["number"], entry["time"], entry["kind"])


@command(
    "add-member",
    short_help="Let an account into a case.",
    example=f"{PROGRAM} case add-member 5f0c1d2e… bolat --role opposing",
)
@click.argument("case_id", metavar="CASE")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the member is in this case.")
@json_option
@server_options
def add_member(case_id: str, name: str, role: str, as_json: bool, server: str, token: str | None) -> None:
    """Make the account NAME a member of a case."""
    with Service(server, token) as service:
        answer = service.post(f"/cases/{segment(case_id)}/members", {"user": name, "role": role})
    if as_json:
        json_result(answer.content)
    else:
        message(f"{name} is a member with the role {role}")


@command(
    "remove-member",
    short_help="End a membership, with a reason.",
    example=f"{PROGRAM} case remove-member 5f0c1d2e… bolat --reason 'No longer represents the claimant.'",
)
@click.argument("case_id", metavar="CASE")
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why. It is recorded.")
@json_option
@server_options
def remove_member(case_id: str, name: str, reason: str, as_json: bool, server: str, token: str | None) -> None:
    """End the membership of the account NAME, which sees nothing of the case from then on."""
    with Service(server, token) as service:
        path = f"/cases/{segment(case_id)}/members/{segment(name)}/removal"
        answer = service.post(path, {"reason": reason})
    if as_json:
        json_result(answer.content)
    else:
        message(f"{name} is no member any more")


@command(
    "bundle",
    short_help="Fetch a whole case as a bundle.",
    example=f"{PROGRAM} case bundle 5f0c1d2e… -o case.evidence.zip",
)
@click.argument("case_id", metavar="CASE")
@output_option("Where the bundle goes.  [default: CASE.evidence.zip]")
@server_options
def case_bundle(case_id: str, out: Path | None, server: str, token: str | None) -> None:
    """Write all of a case, with what you may see, as one bundle; print the file's name."""
    with Service(server, token) as service:
        download_bundle(service, f"/cases/{segment(case_id)}/bundle", {}, case_id, out)


for member_command in (open_case, list_cases, show_case, add_member, remove_member, case_bundle):
    case.add_command(member_command)
