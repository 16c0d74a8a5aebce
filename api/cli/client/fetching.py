"""`receipt` and `bundle`: what the ledger hands out for an entry."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.client.downloading import download_bundle
from api.cli.client.service import Service, segment
from api.cli.output import message, result, to_terminal
from api.cli.parsing import command, output_option, server_options
from api.cli.replacing import PRIVATE, in_folder, replace_file
from ledger.entry.receipt_number import parse_number


@command(
    "receipt",
    short_help="Fetch a receipt as it stands now.",
    example=f"{PROGRAM} receipt EL-0000000123-20 -o EL-0000000123-20.receipt.json",
)
@click.argument("number")
@output_option("Where the receipt goes; without it, stdout.")
@click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: a receipt is JSON.")
@server_options
def receipt(number: str, out: Path | None, server: str, token: str | None) -> None:
    """Fetch the receipt NUMBER as it stands now, with its timestamps.

    Its bytes are exact: redirected to a file, no newline is added.
    """
    parse_number(number)
    with Service(server, token) as service:
        text = service.get(f"/evidence/{segment(number)}/receipt").content
    if out is not None:
        target = in_folder(out, f"{number}.receipt.json")
        replace_file(target, text, PRIVATE)
        result(target)
        return
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    if to_terminal():
        message("")


@command(
    "bundle",
    short_help="Fetch the bundle of an entry.",
    example=f"{PROGRAM} bundle EL-0000000123-20 -o photo.evidence.zip",
)
@click.argument("number")
@output_option("Where the bundle goes.  [default: NUMBER.evidence.zip]")
@click.option("--without-file", is_flag=True, help="Leave the evidence file out.")
@server_options
def bundle(number: str, out: Path | None, without_file: bool, server: str, token: str | None) -> None:
    """Write the bundle of the receipt NUMBER, with all that is needed to verify it offline; print the file's name."""
    parse_number(number)
    parameters = {"file": "false" if without_file else "true"}
    with Service(server, token) as service:
        download_bundle(service, f"/evidence/{segment(number)}/bundle", parameters, number, out)
