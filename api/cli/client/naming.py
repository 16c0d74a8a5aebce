"""Options that name fields: `--fields a,b`, or `--all`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

ALL: Final = "all"


def fields_option(help_text: str) -> Callable[[Function], Function]:
    """--fields A,B, given to the command as `fields`: a list of names, or None."""
    return click.option("--fields", metavar="A,B", callback=_names, help=help_text)


def names_or_all(fields: Sequence[str] | None, everything: bool) -> Sequence[str] | str:
    """What --fields or --all say. Raises UsageError unless it is exactly one of them."""
    if everything is (fields is not None):
        raise click.UsageError("expected one of --fields and --all")
    return ALL if fields is None else fields


def _names(_context: click.Context, parameter: click.Parameter, text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise click.BadParameter(f"expected names with commas between them, got {text!r}", param=parameter)
    return names
