"""`evidence-verify standing`: ask to be admitted to the case of a piece of evidence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from verifier.command.console import EXIT_DONE, add_server, new_parser, server_of, write
from verifier.command.demand import checked_number
from verifier.interface import ask_standing

ROLES = ("opposing", "third")
ADMITTED = "admitted"

_EPILOG = """example:
  evidence-verify standing EL-0000000004-86 --code CODE --server https://ledger.example --role opposing

The request's id is printed alone, or the word admitted. exit status: 0 done, 1 the server's answer contradicts itself,
2 usage, or no answer"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    number = checked_number(options.number)
    standing = ask_standing(server_of(options), number, options.code, options.role)
    write(f"{standing if standing is not None else ADMITTED}\n")
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("standing", "Ask to be admitted to the case of a piece of evidence.", _EPILOG)
    parser.add_argument("number", metavar="NUMBER", help="the number of the evidence")
    parser.add_argument("--code", metavar="CODE", required=True, help="the code that came with the evidence")
    parser.add_argument("--role", choices=ROLES, default=ROLES[0], help="as whom (default: opposing)")
    add_server(parser)
    return parser
