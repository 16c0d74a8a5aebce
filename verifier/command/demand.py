"""`evidence-verify demand`: lodge a demand, and write it as a letter."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from verifier.casework.demand import ALL, OBJECTS, is_pattern
from verifier.command.console import EXIT_DONE, add_language, add_server, new_parser, server_of, write
from verifier.errors import StepFailed, Unreadable
from verifier.intake import read_evidence
from verifier.interface import lodge
from verifier.receipt_number import BadNumber, index_of
from verifier.sheet.letter import letter_page
from verifier.sheet.page_file import PageFile

FIELDS = OBJECTS[0]
_NUMBER_START = "EL-"

_EPILOG = """example:
  evidence-verify demand EL-0000000004-86 --server https://ledger.example --fields extracted.author,extracted.gps.* \\
    --grounds "The photograph bears no date." --letter demand.html --lang ru
  evidence-verify demand EL-0000000004-86.evidence.zip --server https://ledger.example --object original --grounds TEXT

The demand's id is printed alone.
exit status: 0 lodged, 1 the server's answer contradicts itself, 2 usage, or a server that gives no answer"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    fields = _fields(options)
    if not options.grounds.strip():
        raise Unreadable("--grounds should say why")
    number = number_named(options.evidence)
    server = server_of(options)
    with ExitStack() as stack:
        # The place for the letter is taken first: a demand that was lodged cannot be taken back.
        page = stack.enter_context(PageFile(options.letter)) if options.letter is not None else None
        lodged = lodge(server, number, options.object, fields, options.grounds)
        write(f"{lodged.demand}\n")
        if page is not None:
            page.write(letter_page(lodged, options.object, fields, options.grounds, options.lang))
    return EXIT_DONE


def number_named(text: str) -> str:
    """The receipt number that an argument is, or the one of the bundle or receipt that it names; raises Unreadable."""
    if text.startswith(_NUMBER_START) and os.sep not in text and not Path(text).exists():
        return checked_number(text)
    try:
        evidence = read_evidence(Path(text))
    except StepFailed as error:
        raise Unreadable(f"{text} is broken: {error.detail}") from None
    if evidence.number is None:
        raise Unreadable(f"{text} should be about an entry and is about a case")
    return checked_number(evidence.number)


def checked_number(text: str) -> str:
    """A receipt number; raises Unreadable if it is none or its check digits are wrong."""
    try:
        index_of(text)
    except BadNumber as error:
        raise Unreadable(str(error)) from None
    return text


def _fields(options: argparse.Namespace) -> list[str] | str:
    if options.object != FIELDS:
        if options.all or options.fields is not None:
            raise Unreadable(f"a demand for the {options.object} names no fields")
        return []
    if options.all == (options.fields is not None):
        raise Unreadable("a demand for fields needs one of --fields and --all")
    if options.all:
        return ALL
    names = sorted(set(options.fields.split(",")))
    wrong = [name for name in names if not is_pattern(name)]
    if wrong:
        raise Unreadable(f"{wrong[0]!r} is neither a field's name nor a prefix that ends in .*")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("demand", "Demand what was recorded with a piece of evidence, and print the demand.", _EPILOG)
    parser.add_argument("evidence", metavar="NUMBER|BUNDLE", help="the evidence: its number, or a bundle or receipt")
    parser.add_argument("--fields", metavar="A,B", help="names, or prefixes that end in .*")
    parser.add_argument("--all", action="store_true", help="every field")
    parser.add_argument("--grounds", metavar="TEXT", required=True, help="why; it is recorded and read by all sides")
    parser.add_argument("--object", choices=OBJECTS, default=FIELDS, help="what is demanded (default: fields)")
    parser.add_argument("--letter", metavar="FILE.html", help="also write the demand as a letter, to print")
    add_server(parser)
    add_language(parser)
    return parser
