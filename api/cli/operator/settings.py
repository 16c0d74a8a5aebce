"""Where the operator's commands find their settings, and the options that `init` and `serve` share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from api.cli import PROGRAM
from ledger.config import CONFIG_FILE, Settings, load_settings
from ledger.errors import ConfigError

Function = TypeVar("Function", bound=Callable[..., Any])

_AUTHORITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}=https?://\S+")


def read_settings(data: Path, **options: object) -> Settings:
    """The settings of the ledger that `init` made in `data`, with `options` before all else. Raises ConfigError."""
    if not (data / CONFIG_FILE).exists():
        raise ConfigError(f"no ledger in {data}; `{PROGRAM} init` makes one")
    return load_settings(data, options, os.environ)


def new_settings(data: Path, **options: object) -> Settings:
    """The settings for a ledger that is about to be made in `data`. Raises ConfigError."""
    return load_settings(data, options, os.environ)


def _authorities(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for text in values:
        if not _AUTHORITY.fullmatch(text):
            raise click.BadParameter(f"expected NAME=URL, got {text!r}", param=parameter)
    return values


_LOG_OPTIONS: Final = (
    click.option(
        "--policy",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Witnesses to ask and the quorum (C2SP tlog-policy).",
    ),
    click.option(
        "--tsa",
        multiple=True,
        callback=_authorities,
        metavar="NAME=URL",
        help="A timestamp authority, repeatable; its roots in DATA/tsa/NAME.pem.  [default: the embedded one]",
    ),
    click.option(
        "--tsa-interval",
        type=click.IntRange(min=1),
        metavar="SECONDS",
        help="How often authorities are asked while entries come.  [default: 60]",
    ),
    click.option(
        "--kept",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where the newest signed checkpoint is kept, outside the database.  [default: DATA]",
    ),
    click.option(
        "--accept-checkpoint",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A checkpoint to measure the database against, where the kept one was lost.",
    ),
)


def log_options(function: Function) -> Function:
    """--policy, --tsa, --tsa-interval, --kept and --accept-checkpoint."""
    for option in reversed(_LOG_OPTIONS):
        function = option(function)
    return function
