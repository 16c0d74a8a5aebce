"""`backup`, `restore` and `upgrade`: a ledger's copy, its return, and its way into a newer release."""

from __future__ import annotations

import os
from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, json_option


@command(
    "backup", short_help="Back up a ledger, also while it serves.", example=f"{PROGRAM} backup --out backups/today"
)
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="A new or empty folder.")
@click.option("--without-files", is_flag=True, help="Leave evidence files out: their store has backups of its own.")
@json_option
@data_option
def backup(out: Path, without_files: bool, as_json: bool, data: Path) -> None:
    """Write the whole ledger, as it stood at one moment, to the folder DIR, and check what was written.

    Not in it: keys/, which are kept apart and offline, and the kept checkpoint, which must not come back with the rest.
    Prints how many entries it has. DIR appears whole, at the end.
    """
    from ledger.upkeep.backup import back_up

    made = back_up(read_settings(data), out, make_account_tables, with_files=not without_files)
    if as_json:
        json_result({"out": str(out), "origin": made.origin, "size": made.size, "root": made.root, "made": made.made,
                     "files": made.files, "bytes": made.bytes})  # fmt: skip
    else:
        result(made.size)
        message(f"backed up {made.origin}: {made.size} entries, {made.files} files of {made.bytes} bytes, in {out}")


@command(
    "restore",
    short_help="Put a backup back.",
    example=f"{PROGRAM} restore --from backups/today --data ./data\n"
    f"{PROGRAM} restore --from backups/today --data ./data --closed",
)
@click.option(
    "--from",
    "source",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The backup's folder.",
)
@click.option(
    "--database", metavar="URL", help="postgresql://…, an empty database.  [default: the folder's, or SQLite]"
)
@click.option("--blobs", metavar="URL", help="Where evidence files go.  [default: the folder's, or DATA/blobs]")
@click.option(
    "--kept",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the newest signed checkpoint is kept.  [default: the folder's, or DATA]",
)
@click.option(
    "--accept-checkpoint",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The newest checkpoint that you know to be true, where the kept one was lost.",
)
@click.option("--closed", is_flag=True, help="To be read only: entries are lost, and a successor goes on.")
@json_option
@data_option
def restore(
    source: Path,
    database: str | None,
    blobs: str | None,
    kept: Path | None,
    accept_checkpoint: Path | None,
    closed: bool,
    as_json: bool,
    data: Path,
) -> None:
    """Restore a backup into DATA, which has the log's keys/. Refused where entries that were signed would be lost.

    What lies in the database's place is moved aside, never deleted. Prints how many entries are back.
    """
    from ledger.upkeep.restore import restore as put_back
    from ledger.upkeep.restore import restored_settings

    # The database holds every secret and opening.
    os.umask(0o077)
    settings = restored_settings(source, data, {"database": database, "blobs": blobs, "kept": kept}, os.environ)
    done = put_back(source, settings, make_account_tables, accept_checkpoint=accept_checkpoint, closed=closed)
    if as_json:
        aside = None if done.set_aside is None else str(done.set_aside)
        json_result({"origin": done.origin, "size": done.size, "lost": done.lost, "set_aside": aside, "closed": closed})
        return
    result(done.size)
    if done.set_aside is not None:
        message(f"what was in the database's place is in {done.set_aside}")
    message(f"restored {done.origin}: {done.size} entries" + (f"; {done.lost} more were signed" if done.lost else ""))
    if closed:
        message(f"it is closed; next: {PROGRAM} init --origin ANOTHER-NAME --successor-of {data} --data ANOTHER-FOLDER")


@command("upgrade", short_help="Upgrade a ledger of an older release.", example=f"{PROGRAM} upgrade --data ./data")
@json_option
@data_option
def upgrade(as_json: bool, data: Path) -> None:
    """Bring the tables of a ledger made by an older release to this one's, all steps or none. Stop every server first.

    Make a backup before, with the older release: the way back is to restore it there.
    """
    from ledger.upkeep.upgrade import upgrade as bring_up

    done = bring_up(read_settings(data))
    if as_json:
        json_result({"before": done.before, "after": done.after})
    elif done.before == done.after:
        message(f"the tables are of version {done.after} already")
    else:
        message(f"upgraded the tables from version {done.before} to {done.after}; `{PROGRAM} fsck` checks the ledger")


def make_account_tables(url: str) -> None:
    """The accounts' tables beside the log's. They are the API's, which the ledger knows nothing of."""
    from api.auth.accounts import AccountStore

    AccountStore.open(url).close()
