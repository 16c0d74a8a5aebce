"""`rebuild`: the derived tables anew, from the log and its openings."""

from __future__ import annotations

from pathlib import Path

from api.cli import PROGRAM
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message
from api.cli.parsing import command, data_option, json_option


@command("rebuild", short_help="Make the derived tables anew.", example=f"{PROGRAM} rebuild --data ./data")
@json_option
@data_option
def rebuild(as_json: bool, data: Path) -> None:
    """Make all that is derived (cases, members, evidence, demands …) anew, from the entries and their openings.

    On SQLite the server must be stopped. The same content comes out, before and after erasures; `fsck` compares it.
    """
    from ledger.upkeep.rebuild import rebuild as make_anew

    done = make_anew(read_settings(data))
    if as_json:
        json_result({"entries": done.entries, "erased": done.erased})
    else:
        message(f"rebuilt from {done.entries} entries, {done.erased} of them erased in part or whole")
