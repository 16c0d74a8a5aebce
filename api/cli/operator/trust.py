"""`trust`: the folder that readers of this ledger's evidence are given. Works beside a running server."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.failures import CommandError
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, json_option
from api.cli.replacing import PUBLIC, replace_file


@command("trust", short_help="Write the trust folder to hand to others.", example=f"{PROGRAM} trust --out trust/")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The folder to write.")
@json_option
@data_option
def trust(out: Path, as_json: bool, data: Path) -> None:
    """Write the trust folder to hand to others: the log's keys and policy, and the timestamp authorities.

    Prints the files written. What else lies in DIR stays, and is named: a verifier reads it too.
    """
    from ledger.clock import SystemClock
    from ledger.upkeep.overview import trust_folder

    files = trust_folder(read_settings(data), SystemClock())
    write_folder(out, files)
    if as_json:
        json_result({"files": sorted(files)})
    else:
        for name in sorted(files):
            result(out / name)
    for name in _others(out, files):
        message(f"left as it was, not from this ledger: {out / name}")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` (names below `folder`) for anybody to read. A new folder appears in one step; in one that exists
    each file is replaced in one step. Raises OSError, CommandError.
    """
    target = Path(os.path.realpath(folder))
    if target.is_dir():
        for name, content in files.items():
            replace_file(target / name, content, PUBLIC)
        return
    if target.exists():
        raise CommandError(f"{folder}: expected a folder, found a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
    try:
        partial.mkdir()
        for name, content in files.items():
            replace_file(partial / name, content, PUBLIC)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _others(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    present = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(name) for name in present if name.as_posix() not in files]
