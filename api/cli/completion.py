"""`completion`: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from api.cli import PROGRAM
from api.cli.failures import CommandError
from api.cli.parsing import command

_VARIABLE = "_EVIDENCE_LEDGER_COMPLETE"


@command(
    "completion",
    short_help="Print the completion script of a shell.",
    example=f"{PROGRAM} completion bash >> ~/.bashrc",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script with which SHELL completes this program's commands and options."""
    found = get_completion_class(shell)
    if found is None:
        raise CommandError(f"completing in {shell}: this installation does not know that shell")
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, PROGRAM, _VARIABLE).source())
