"""`init`: make a log, or join one from another machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from api.cli import PROGRAM
from api.cli.operator.settings import log_options, new_settings
from api.cli.output import json_result, message
from api.cli.parsing import command, data_option, json_option


@command(
    "init",
    short_help="Make a log, or join one.",
    example=f"{PROGRAM} init --data ./data --origin ledger.example/evidence\n"
    f"{PROGRAM} init --data ./data --origin ledger.example/evidence --database postgresql://ledger@db/ledger --join "
    "--accept-checkpoint FILE",
)
@click.option("--origin", required=True, metavar="NAME", help="The log's name for ever: no blanks, no +.")
@click.option("--database", metavar="URL", help="postgresql://…  [default: SQLite, DATA/ledger.db]")
@click.option("--blobs", metavar="URL", help="Where evidence files go.  [default: DATA/blobs]")
@click.option("--join", is_flag=True, help="Join the log in the database; needs its keys in DATA/keys.")
@click.option(
    "--successor-of",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder of a closed log, which the new one names in public.",
)
@log_options
@json_option
@data_option
def init(
    origin: str,
    database: str | None,
    blobs: str | None,
    join: bool,
    successor_of: Path | None,
    policy: Path | None,
    tsa: tuple[str, ...],
    tsa_interval: int | None,
    kept: Path | None,
    accept_checkpoint: Path | None,
    as_json: bool,
    data: Path,
) -> None:
    """Make a new log in DATA: keys, settings, and entry 0, which names the log. An existing log is refused and stays.

    What is given here is written to DATA/config.toml; later commands read it there.
    """
    if join and successor_of is not None:
        raise click.UsageError("--join takes part in a log that exists, --successor-of makes a new one: expected one")
    from ledger.upkeep.initialise import initialise

    settings = new_settings(
        data,
        origin=origin,
        database=database,
        blobs=blobs,
        policy=policy,
        tsa=tsa,
        tsa_interval=tsa_interval,
        kept=kept,
    )
    # The database holds every secret and opening, also where DATA was there before and others may enter it.
    os.umask(0o077)
    initialise(settings, join=join, accept_checkpoint=accept_checkpoint, successor_of=successor_of)
    if as_json:
        json_result({"origin": settings.origin, "data": str(data), "joined": join})
    else:
        message(f"{'joined' if join else 'made'} the log {settings.origin} in {data}")
