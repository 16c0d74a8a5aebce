"""`fsck`: whether everything that is stored still is what was stored, or all that a log shows to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from api.cli import PROGRAM
from api.cli.failures import FAILED
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, json_option
from api.cli.progress import counted

if TYPE_CHECKING:
    from ledger.upkeep.finding import Finding, Progress

_PHASES: Final = ("file", "log", "contents", "files")
_EXAMPLE: Final = f"{PROGRAM} fsck --data ./data\n{PROGRAM} fsck --tiles https://ledger.example --trust ./trust"


@command("fsck", short_help="Check all that is stored, or all that a log shows.", example=_EXAMPLE)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(_PHASES),
    help="Only this part, repeatable: the database's file, the log (leaves, tree, tiles, checkpoints, chains), its "
    "contents (openings, tokens, the tables made from them), the files of evidence.  [default: all]",
)
@click.option("--tiles", metavar="URL|DIR", help="Check a log from its public tiles alone; DATA is not looked at.")
@click.option(
    "--trust",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --tiles: whose keys must have signed.  [default: those that the log's first entry names]",
)
@json_option
@data_option
def fsck(only: tuple[str, ...], tiles: str | None, trust: Path | None, as_json: bool, data: Path) -> int:
    """Recompute the whole log and compare it with what is stored, signed and kept. Works beside a running server.

    Prints what is wrong, one finding a line: where, then what. The exit status is 0 where all is sound, 1 where not.
    """
    if tiles is None and trust is not None:
        raise click.UsageError("--trust belongs to --tiles: the ledger's own keys are in DATA")
    if tiles is not None and only:
        raise click.UsageError("--only belongs to DATA: --tiles checks all that is public")
    findings: list[dict[str, object]] = []
    with counted("entries") as progress:
        for finding in _findings(only, tiles, trust, data, progress):
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


def _findings(
    only: tuple[str, ...], tiles: str | None, trust: Path | None, data: Path, progress: Progress | None
) -> Iterator[Finding]:
    if tiles is not None:
        from ledger.upkeep.tile_audit import fsck_tiles

        if trust is None:
            message("the signatures are checked under the keys that the log names itself; --trust DIR takes yours")
        return fsck_tiles(tiles, trust, progress)
    from api.cli.operator.settings import read_settings
    from ledger.upkeep.fsck import PHASES
    from ledger.upkeep.fsck import fsck as check

    return check(read_settings(data), only or PHASES, progress, may_fork=True)
