"""`evidence-verify answer`: check what came back for a demand, believing nothing the server says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack

from verifier.answer.answer import check_answer
from verifier.answer.text import answer_text
from verifier.command.console import add_language, add_server, add_time, new_parser, server_of, write
from verifier.command.demand import checked_number
from verifier.sheet.page_file import PageFile
from verifier.sheet.report import answer_page

_EPILOG = """example:
  evidence-verify answer EL-0000000009-71 --server https://ledger.example --trust trust/ --bundle received.evidence.zip

The log behind the server is read from the evidence on: an entry of the case that bears on the answer and is not in it
is named. A refusal counts as one only if nothing is missing; without the log it is "as far as this bundle shows".

exit status: 0 the answer is what was recorded and each name has one, 1 a check failed, 3 a name is still closed, an
entry is not shown, or not all could be checked, 2 usage, an unreadable input, or a server that gives no answer"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    demand, server = checked_number(options.demand), server_of(options)
    with ExitStack() as stack:
        page = stack.enter_context(PageFile(options.report)) if options.report is not None else None
        found = check_answer(demand, server, options.trust, bundle=options.bundle, file=options.file, at=options.at)
        if page is not None:
            page.write(answer_page(found, options.lang, options.at))
    if options.json:
        write(json.dumps(found.to_json(), ensure_ascii=True, indent=2) + "\n")
    else:
        write(answer_text(found, options.lang))
    return found.verdict.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("answer", "Check what came back for a demand against what was recorded before it.", _EPILOG)
    parser.add_argument("demand", metavar="DEMAND", help="the demand's id")
    parser.add_argument("--trust", metavar="DIR", required=True, help="your trust folder: whom you believe")
    parser.add_argument("--bundle", metavar="FILE", help="a bundle or receipt of the evidence that you hold already")
    parser.add_argument("--file", metavar="FILE", help="the evidence file, if it was demanded and came")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--report", metavar="FILE.html", help="also write a report for people, to print")
    add_server(parser)
    add_time(parser)
    add_language(parser)
    return parser
