"""What every subcommand shares with its user: options, exit statuses, and output that no locale breaks."""

from __future__ import annotations

import argparse
import os
import sys
import urllib.parse
from datetime import UTC, datetime, timedelta

from verifier import __version__
from verifier.encoding import BadEncoding, time_us
from verifier.errors import Unreadable
from verifier.report import LANGUAGES
from verifier.server import Server, Unreachable

EXIT_DONE = 0
EXIT_CONTRADICTED = 1
EXIT_UNREADABLE = 2
EXIT_INTERRUPTED = 130
TOKEN_VARIABLE = "EVIDENCE_LEDGER_TOKEN"  # noqa: S105 - the variable's name, no token
# For all requests of one command together: a bundle of the largest size, its tiles, and a patient reader.
BUDGET_S = 900.0
_LOCAL = ("127.0.0.1", "::1", "localhost")


def new_parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """A parser for one command (empty: for the program's own name)."""
    parser = argparse.ArgumentParser(
        prog=f"evidence-verify {command}".strip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"evidence-verify {__version__}")
    return parser


def add_server(parser: argparse.ArgumentParser) -> None:
    """The options that say which ledger to speak to, and as whom."""
    parser.add_argument("--server", metavar="URL", required=True, help="the ledger's URL, http or https")
    parser.add_argument("--token", metavar="TOKEN", help=f"your token there; better in {TOKEN_VARIABLE}")


def add_language(parser: argparse.ArgumentParser) -> None:
    """The option that chooses the language of reports and letters."""
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the language for people (default: en)")


def add_time(parser: argparse.ArgumentParser) -> None:
    """The option that sets the verifier's clock."""
    parser.add_argument("--at", metavar="TIME", type=_moment, help="judge as of YYYY-MM-DDThh:mm:ss.mmmZ, not now")


def server_of(options: argparse.Namespace) -> Server:
    """The server that the options name, with the token; raises Unreadable without one, Unreachable for a bad URL."""
    token = options.token if options.token is not None else os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise Unreadable(f"a token is needed: --token, or {TOKEN_VARIABLE} in the environment")
    try:
        server = Server(options.server, token, BUDGET_S)
    except Unreachable as error:
        raise Unreadable(f"--server: {error}") from None
    parts = urllib.parse.urlsplit(options.server)
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        say("the URL begins with http: whoever is on the way there reads the token")
    return server


def write(text: str) -> None:
    """To stdout as UTF-8, whatever the locale; a reader that went away changes nothing about the outcome."""
    try:
        sys.stdout.flush()
        if hasattr(sys.stdout, "buffer"):
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(message: str) -> None:
    """A message to stderr."""
    print(f"evidence-verify: {message}", file=sys.stderr)


def _moment(text: str) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us(text))
    except BadEncoding as error:
        raise argparse.ArgumentTypeError(str(error)) from None
