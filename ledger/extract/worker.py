"""The process that reads one file: `python -I -m ledger.extract.worker`, started by `sandbox` and by nobody else.

Standard input holds the request, one JSON object; the file is an inherited descriptor, open for reading. It answers
with one JSON object on standard output. What goes wrong is part of the answer, or the parent sees it in its absence.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import warnings
from typing import Any, BinaryIO

from ledger.extract import exiftool
from ledger.extract.confine import as_json, confine
from ledger.extract.errors import OutOfTimeError
from ledger.extract.findings import Findings
from ledger.extract.formats import Format, format_of, version_of
from ledger.extract.source import Source
from ledger.extract.values import Json


def main() -> int:
    """Confine, read, answer. Exit 0 whenever there is an answer."""
    warnings.simplefilter("ignore")  # parsers', about files that are expected to be strange
    logging.disable()
    request = json.loads(sys.stdin.buffer.read())
    tool = request["exiftool"]
    programs = frozenset({tool} if tool else ())
    held = confine(request["cpu_s"], request["memory_bytes"], programs, request.get("descriptor"))
    if request["probe"]:
        answer: dict[str, Any] = {"exiftool": exiftool.version(tool), **as_json(held)}
    else:
        descriptor = request["descriptor"]
        with io.FileIO(descriptor, closefd=False) as raw, io.BufferedReader(raw) as stream:
            source = Source(
                stream, os.fstat(descriptor).st_size, request["media_type"], request["file_name"], request["dkim_keys"]
            )
            answer = read_file(source, tool, request["deadline_s"])
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=True).encode("ascii"))
    sys.stdout.buffer.flush()
    # Past every destructor: a library that hangs in one must not cost the answer.
    os._exit(0)


def read_file(source: Source, tool: str | None = None, deadline_s: float = 0.0) -> dict[str, Json]:
    """The answer for one file, in this process: `format`, `extractor`, `version`, `failure`, `fields` (names of the
    format alone). `tool` is exiftool's path; `deadline_s` after which what was found so far is answered, 0 for none.
    """
    chosen = format_of(source)
    findings = Findings(chosen.names)
    try:
        _set_deadline(deadline_s)
        with findings.attempt(chosen.name):
            chosen.module.read(source, findings)
        _ask_exiftool(chosen, source.stream, tool, findings)
    except OutOfTimeError:
        findings.fail(chosen.name, "out of time")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    findings.put("format", chosen.name)
    findings.put("extractor", chosen.extractor)
    findings.put("extractor_version", version_of(chosen))
    findings.put("failure", findings.failure())
    return findings.values()


def _ask_exiftool(chosen: Format, stream: BinaryIO, tool: str | None, findings: Findings) -> None:
    """Last, so that what our own readers found stays when exiftool uses up the time."""
    if tool is None or not findings.has("exiftool"):
        return
    with findings.attempt("exiftool"):
        exiftool.read(tool, stream.fileno(), findings)


def _set_deadline(seconds: float) -> None:
    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    if seconds:
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    sys.exit(main())
