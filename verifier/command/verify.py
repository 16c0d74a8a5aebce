"""`evidence-verify [verify] BUNDLE`: verify a bundle or receipt offline."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack

from verifier.command.console import add_language, add_time, new_parser, write
from verifier.report import text_report
from verifier.sheet.page_file import PageFile
from verifier.sheet.report import report_page
from verifier.verify import verify

_EPILOG = """example:
  evidence-verify EL-0000000004-86.evidence.zip --trust trust/
  evidence-verify verify EL-0000000004-86.receipt.json --file photo.jpeg --trust trust/ --report report.html --lang kk

other commands, each with --help:
  evidence-verify demand     demand fields, the file, the original or an inspection
  evidence-verify answer     check what came back, believing nothing the server says
  evidence-verify standing   ask to be admitted to a case

exit status: 0 verified, 1 not verified, 3 incomplete, 2 usage or an input that cannot be read"""


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        page = stack.enter_context(PageFile(options.report)) if options.report is not None else None
        result = verify(options.bundle, options.trust, file=options.file, online=options.online, at=options.at)
        if page is not None:
            page.write(report_page(result, options.lang, options.at))
    if options.json:
        write(json.dumps(result.to_json(), ensure_ascii=True, indent=2) + "\n")
    else:
        write(text_report(result, options.lang))
    return result.verdict.exit_status


def _parser() -> argparse.ArgumentParser:
    description = "Verify a bundle or receipt of an evidence ledger, offline, trusting nobody but its user."
    parser = new_parser("", description, _EPILOG)
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle (.evidence.zip) or receipt (.receipt.json)")
    parser.add_argument("--file", metavar="FILE", help="the evidence file, where it is not inside")
    parser.add_argument("--trust", metavar="DIR", help="your trust folder: the keys and authorities you believe")
    parser.add_argument("--online", metavar="URL", help="also compare with the log as it stands now at this URL")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--report", metavar="FILE.html", help="also write a report for people, to print")
    add_time(parser)
    add_language(parser)
    return parser
