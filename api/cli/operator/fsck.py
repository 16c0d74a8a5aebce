"""`fsck`: whether everything that is stored still is what was stored."""

from __future__ import annotations

from pathlib import Path

from api.cli import PROGRAM
from api.cli.failures import FAILED
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, json_option


@command("fsck", short_help="Check all that is stored.", example=f"{PROGRAM} fsck --data ./data")
@json_option
@data_option
def fsck(as_json: bool, data: Path) -> int:
    """Recompute the whole log and compare it with what is stored, signed and kept. Works beside a running server.

    Prints what is wrong, one finding a line: where, then what. The exit status is 0 where all is sound, 1 where not.
    """
    from ledger.upkeep.fsck import fsck as check

    findings: list[dict[str, object]] = []
    for finding in check(read_settings(data)):
        findings.append({"where": finding.where, "what": finding.what, "evidence": list(finding.evidence)})
        if not as_json:
            result(finding.where, finding.what)
            for checkpoint in finding.evidence:
                message(checkpoint)
    if as_json:
        json_result({"sound": not findings, "findings": findings})
    else:
        message(f"not sound; findings: {len(findings)}" if findings else "sound")
    return FAILED if findings else 0
