"""`status`: how the log stands. Works beside a running server."""

from __future__ import annotations

from pathlib import Path

from api.cli import PROGRAM
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, result
from api.cli.parsing import command, data_option, json_option


@command("status", short_help="Show how the log stands.", example=f"{PROGRAM} status --data ./data")
@json_option
@data_option
def status(as_json: bool, data: Path) -> None:
    """Print how the log stands: one name and value a line, separated by a tab."""
    from ledger.upkeep.overview import overview

    found = overview(read_settings(data))
    if as_json:
        json_result(found)
        return
    for name, value in found.items():
        result(name, _words(value))


def _words(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, map(_words, value))) or "none"
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return "none" if value is None else value
