"""`serve`: the ledger's HTTP server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from api.cli import PROGRAM
from api.cli.operator.settings import log_options, read_settings
from api.cli.parsing import command, data_option

HOST_DEFAULT = "127.0.0.1"
PORT_DEFAULT = 8080


@command("serve", short_help="Serve a ledger through HTTP.", example=f"{PROGRAM} serve --data ./data --port 8080")
@click.option("--host", default=HOST_DEFAULT, show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=PORT_DEFAULT, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free."
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes; 2 or more need PostgreSQL."
)
@click.option("--public-url", metavar="URL", help="The address that others reach this ledger by.")
@click.option(
    "--behind-proxy", type=click.IntRange(0, 16), metavar="N", help="How many proxies in front set X-Forwarded-*."
)
@click.option(
    "--log",
    type=click.Choice(["json", "text"]),
    help="A JSON object a line, or words, on stderr.  [default: words for a terminal, else JSON]",
)
@log_options
@data_option
def serve(
    host: str,
    port: int,
    workers: int,
    public_url: str | None,
    behind_proxy: int | None,
    log: Literal["json", "text"] | None,
    policy: Path | None,
    tsa: tuple[str, ...],
    tsa_interval: int | None,
    kept: Path | None,
    accept_checkpoint: Path | None,
    data: Path,
) -> int:
    """Serve the ledger in DATA until SIGTERM or Ctrl-C; both end it within ten seconds, and nothing is lost.

    Prints the address once requests are answered; everything else goes to stderr.
    """
    settings = read_settings(
        data,
        policy=policy,
        tsa=tsa,
        tsa_interval=tsa_interval,
        kept=kept,
        public_url=public_url,
        behind_proxy=behind_proxy,
    )
    if workers > 1 and settings.embedded:
        raise click.UsageError(
            f"--workers {workers}: SQLite lets one process write; expected 1, or a PostgreSQL database"
        )
    from api.serve import serve as run

    shape = log or ("text" if sys.stderr.isatty() else "json")
    return run(settings, host, port, workers, accept_checkpoint=accept_checkpoint, log=shape)
