"""The program `evidence-verify` (docs/spec/verification.md, "The program")."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from verifier import __version__
from verifier.encoding import BadEncoding, time_us
from verifier.errors import Unreadable
from verifier.report import LANGUAGES, text_report
from verifier.result import Verdict
from verifier.verify import verify

EXIT_UNREADABLE = 2
EXIT_INTERRUPTED = 130

_EPILOG = """example:
  evidence-verify EL-0000000004-86.evidence.zip --trust trust/
  evidence-verify verify EL-0000000004-86.receipt.json --file photo.jpeg --trust trust/ --json

exit status: 0 verified, 1 not verified, 3 incomplete, 2 usage or an input that cannot be read"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["verify"]:
        del arguments[0]
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as leaving:  # argparse has said what it had to: 0 after --help and --version, else 2
        return leaving.code if isinstance(leaving.code, int) else EXIT_UNREADABLE
    try:
        result = verify(options.bundle, options.trust, file=options.file, online=options.online, at=options.at)
        if options.json:
            text = json.dumps(result.to_json(), ensure_ascii=True, indent=2) + "\n"
        else:
            text = text_report(result, options.lang)
        _write(text)
    except Unreadable as error:
        print(f"evidence-verify: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # the steps guard themselves; whatever else fails must not look like a verdict
        print(f"evidence-verify: the verifier fails with {type(error).__name__}: {error}", file=sys.stderr)
        return Verdict.NOT_VERIFIED.exit_status
    return result.verdict.exit_status


def _write(text: str) -> None:
    """To stdout as UTF-8, whatever the locale; a reader that went away changes nothing about the verdict."""
    try:
        sys.stdout.flush()
        if hasattr(sys.stdout, "buffer"):
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evidence-verify",
        description="Verify a bundle or receipt of an evidence ledger, offline, trusting nobody but its user.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle (.evidence.zip) or receipt (.receipt.json)")
    parser.add_argument("--file", metavar="FILE", help="the evidence file, where it is not inside")
    parser.add_argument("--trust", metavar="DIR", help="your trust folder: the keys and authorities you believe")
    parser.add_argument("--online", metavar="URL", help="also compare with the log as it stands now at this URL")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--at", metavar="TIME", type=_moment, help="judge as of YYYY-MM-DDThh:mm:ss.mmmZ, not now")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the language of the report (default: en)")
    parser.add_argument("--version", action="version", version=f"evidence-verify {__version__}")
    return parser


def _moment(text: str) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us(text))
    except BadEncoding as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
