"""`erase`: openings that a court ordered to be destroyed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from api.cli import PROGRAM
from api.cli.client.naming import fields_option, names_or_all
from api.cli.client.service import Service, json_object, segment
from api.cli.output import json_result, message, result
from api.cli.parsing import command, json_option, server_options
from ledger.entry.receipt_number import parse_number


@command(
    "erase",
    short_help="Erase on a court's order; prints the erasure's number.",
    example=f"{PROGRAM} erase EL-0000000123-20 --fields declared.author,file --order 'Ruling of 21 May 2026, court 2'",
)
@click.argument("number")
@fields_option("Names; `file` for the file's bytes.")
@click.option("--all", "everything", is_flag=True, help="Every field, and the file.")
@click.option("--order", required=True, metavar="TEXT", help="The court's order, and who made it. It is recorded.")
@json_option
@server_options
def erase(
    number: str,
    fields: Sequence[str] | None,
    everything: bool,
    order: str,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Destroy openings of the evidence NUMBER for good; print the number of the entry that says so.

    By the case's court, or an operator on a court's written order. Leaf and chain stay, and all else still verifies.
    Nothing brings back what was erased. Where the database's own files may still hold old bytes, stderr says why, and
    what its administrator must do; the server goes on trying, and `fsck` names the erasure until it is finished.
    """
    names = names_or_all(fields, everything)
    parse_number(number)
    with Service(server, token) as service:
        answer = service.post(f"/evidence/{segment(number)}/erasure", {"fields": names, "order": order})
    if as_json:
        json_result(answer.content)
        return
    erased = json_object(answer)
    result(erased["erasure"])
    message(f"erased: {', '.join(erased['fields'])}")
    if erased["unfinished"] is not None:
        message(f"not finished, old bytes may remain: {erased['unfinished']}")
