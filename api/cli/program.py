"""Runs one command and turns whatever happens into an exit status and one line for people."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final

import click

from api.cli import PROGRAM
from api.cli.failures import FAILED, USAGE, explain
from api.cli.output import printable
from api.cli.parsing import LazyGroup

_CLIENT: Final = "api.cli.client"
_OPERATOR: Final = "api.cli.operator"

# Each is an attribute of its module, by its own name.
COMMANDS: Final = {
    "case": f"{_CLIENT}.cases",
    "anchor": f"{_CLIENT}.anchor",
    "receipt": f"{_CLIENT}.fetching",
    "bundle": f"{_CLIENT}.fetching",
    "lookup": f"{_CLIENT}.lookup",
    "demand": f"{_CLIENT}.demands",
    "demands": f"{_CLIENT}.demands",
    "reminders": f"{_CLIENT}.reminders",
    "disclose": f"{_CLIENT}.demands",
    "refuse": f"{_CLIENT}.demands",
    "rule": f"{_CLIENT}.demands",
    "challenge": f"{_CLIENT}.challenges",
    "admit": f"{_CLIENT}.challenges",
    "standing": f"{_CLIENT}.standing",
    "erase": f"{_CLIENT}.erasing",
    "init": f"{_OPERATOR}.initialising",
    "serve": f"{_OPERATOR}.serving",
    "status": f"{_OPERATOR}.status",
    "user": f"{_OPERATOR}.accounts",
    "token": f"{_OPERATOR}.accounts",
    "trust": f"{_OPERATOR}.trust",
    "fsck": f"{_OPERATOR}.fsck",
    "rebuild": f"{_OPERATOR}.rebuilding",
    "backup": f"{_OPERATOR}.backups",
    "restore": f"{_OPERATOR}.backups",
    "upgrade": f"{_OPERATOR}.backups",
    "doctor": f"{_OPERATOR}.doctor",
    "completion": "api.cli.completion",
}


@click.group(
    name=PROGRAM,
    cls=LazyGroup,
    places=COMMANDS,
    example=f"{PROGRAM} anchor photo.jpg --case 5f0c1d2e… --meta author='A. Photographer'",
)
def program() -> None:
    """Anchor electronic evidence in an append-only ledger, and run such a ledger.

    Options stand after the subcommand. Results go to stdout, one a line; messages go to stderr.
    Exit status: 0 done, 1 failed, 2 used wrongly.
    """


def run(argv: list[str] | None) -> int:
    """Parse `argv`, run what it names, and return the exit status."""
    _accept_any_text()
    try:
        code = _invoke(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return FAILED
    except OSError as error:
        # stdout on a full disk: the results did not arrive, whatever the command thought.
        if error.errno == errno.EPIPE:
            _forget_stdout()
        else:
            _say(f"writing the result: {error.strerror or error}")
            _forget_stdout()
        return FAILED
    return code


def _invoke(argv: list[str] | None) -> int:
    try:
        outcome = program.main(args=argv, prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILED
    except click.Abort:
        _say("interrupted")
        return FAILED
    except click.ClickException as error:
        error.show()
        return USAGE if isinstance(error, click.UsageError) else FAILED
    except BrokenPipeError:
        raise
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise  # a defect of ours: its traceback is what we need
        _say(explained)
        return FAILED
    return outcome if isinstance(outcome, int) else 0


def _say(text: str) -> None:
    click.echo(f"{PROGRAM}: {printable(text)}", err=True)


def _accept_any_text() -> None:
    """A file's or person's name that the terminal's encoding lacks is shown escaped, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Nobody reads stdout any more: the interpreter's last flush must not complain about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
