"""`fsck`: whether everything that is stored still is what was stored."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.failures import FAILED
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, json_option


@command("fsck", short_help="Check all that is stored.", example=f"{PROGRAM} fsck --data ./data")
@click.option(
    "--accept-checkpoint",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A checkpoint to measure the database against, where the kept one was lost.",
)
@json_option
@data_option
def fsck(accept_checkpoint: Path | None, as_json: bool, data: Path) -> int:
    """Recompute the whole log and compare it with what is stored, signed and kept.

    Prints what is wrong, one finding a line: where, then what. The exit status is 0 where all is sound, 1 where not.
    """
    from ledger.upkeep.fsck import fsck as check

    findings = []
    for finding in check(read_settings(data), accept_checkpoint=accept_checkpoint):
        findings.append({"where": finding.where, "what": finding.what})
        if not as_json:
            result(finding.where, finding.what)
    if as_json:
        json_result({"sound": not findings, "findings": findings})
    else:
        message("sound" if not findings else f"not sound: {len(findings)} findings")
    return FAILED if findings else 0
