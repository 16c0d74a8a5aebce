"""`lookup`: which entries a file is known by."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.client.reading import digest_file
from api.cli.client.service import Service, json_object
from api.cli.output import json_result, message, result
from api.cli.parsing import command, json_option, server_options
from api.cli.progress import metered


@command("lookup", short_help="Find the entries of a file.", example=f"{PROGRAM} lookup photo.jpg")
@click.argument("file", metavar="FILE", type=click.Path(readable=False, path_type=Path))
@json_option
@server_options
def lookup(file: Path, as_json: bool, server: str, token: str | None) -> None:
    """Print the numbers of the entries that hold FILE's very bytes and that you may see; nothing where there are none.

    The file is digested here and stays here.
    """
    with Service(server, token) as service:
        with metered(file.name) as meter:
            sha256 = digest_file(file, meter).sha256
        answer = service.post("/lookups", {"sha256": sha256})
    if as_json:
        json_result(answer.content)
        return
    found = json_object(answer)["items"]
    for each in found:
        result(each["number"])
    if not found:
        message(f"{file}: no entry that you may see")
