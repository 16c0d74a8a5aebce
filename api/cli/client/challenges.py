"""`challenge`, `admit`: objecting to the authenticity of evidence, or admitting it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from api.cli import PROGRAM
from api.cli.client.naming import fields_option
from api.cli.client.service import Service, json_object, segment
from api.cli.output import json_result, result
from api.cli.parsing import command, json_option, server_options
from ledger.entry.receipt_number import parse_number

HEADS = ("author", "completeness", "content", "copy", "source", "time")


@command(
    "challenge",
    short_help="Challenge evidence; prints the challenge's id.",
    example=f"{PROGRAM} challenge EL-0000000123-20 --head author --head time --grounds 'I never wrote this.'",
)
@click.argument("number")
@click.option("--grounds", required=True, metavar="TEXT", help="Why. It is recorded, and all sides read it.")
@click.option(
    "--head", "heads", multiple=True, type=click.Choice(HEADS), help="In what; repeatable.  [default: content]"
)
@fields_option("Which fields; without it, the whole.")
@json_option
@server_options
def challenge(
    number: str,
    grounds: str,
    heads: tuple[str, ...],
    fields: Sequence[str] | None,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Challenge the authenticity of the evidence NUMBER; print the challenge's id."""
    body: dict[str, object] = {"grounds": grounds, "fields": fields or []}
    _post(number, "challenges", body | ({"heads": list(heads)} if heads else {}), as_json, server, token)


@command("admit", short_help="Admit evidence; prints the admission's id.", example=f"{PROGRAM} admit EL-0000000123-20")
@click.argument("number")
@fields_option("Which fields; without it, the whole.")
@click.option("--grounds", metavar="TEXT", help="What there is to say.")
@json_option
@server_options
def admit(
    number: str, fields: Sequence[str] | None, grounds: str | None, as_json: bool, server: str, token: str | None
) -> None:
    """Admit that the evidence NUMBER is what it is said to be; print the admission's id."""
    body: dict[str, object] = {"fields": fields or []}
    _post(number, "admissions", body | ({} if grounds is None else {"grounds": grounds}), as_json, server, token)


def _post(number: str, act: str, body: object, as_json: bool, server: str, token: str | None) -> None:
    parse_number(number)
    with Service(server, token) as service:
        answer = service.post(f"/evidence/{segment(number)}/{act}", body)
    json_result(answer.content) if as_json else result(json_object(answer)["challenge"])
