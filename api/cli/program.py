"""Runs one command and turns whatever happens into an exit status and one line for people."""

from __future__ import annotations

import errno
import io
import os
import sys

import click

from api.cli import PROGRAM
from api.cli.client.anchor import anchor
from api.cli.client.cases import case
from api.cli.client.challenges import admit, challenge
from api.cli.client.demands import demand, demands, disclose, refuse, rule
from api.cli.client.erasing import erase
from api.cli.client.fetching import bundle, receipt
from api.cli.client.lookup import lookup
from api.cli.client.reminders import reminders
from api.cli.client.standing import standing
from api.cli.completion import completion
from api.cli.failures import FAILED, USAGE, explain
from api.cli.operator.accounts import token, user
from api.cli.operator.backups import backup, restore, upgrade
from api.cli.operator.doctor import doctor
from api.cli.operator.fsck import fsck
from api.cli.operator.initialising import init
from api.cli.operator.rebuilding import rebuild
from api.cli.operator.serving import serve
from api.cli.operator.status import status
from api.cli.operator.trust import trust
from api.cli.output import printable
from api.cli.parsing import Group


@click.group(
    name=PROGRAM,
    cls=Group,
    example=f"{PROGRAM} anchor photo.jpg --case 5f0c1d2e… --meta author='A. Photographer'",
)
def program() -> None:
    """Anchor electronic evidence in an append-only ledger, and run such a ledger.

    Options stand after the subcommand. Results go to stdout, one a line; messages go to stderr.
    Exit status: 0 done, 1 failed, 2 used wrongly.
    """


for command in (case, anchor, receipt, bundle, lookup):
    program.add_command(command)
for command in (demand, demands, reminders, disclose, refuse, rule, challenge, admit, standing, erase):
    program.add_command(command)
for command in (init, serve, status, user, token, trust, fsck, rebuild, backup, restore, upgrade, doctor, completion):
    program.add_command(command)


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
