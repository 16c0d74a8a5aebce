"""The server's log: one JSON object a line, or words; of an exception places and types, never what it quotes."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest

from api.serve.log_lines import GatheringHandler, Shape, formatter
from api.wire.request_log import Line
from tests.api.serve.process import ROOT

OPENING = "the-value-of-an-opening"


def record(message: object, *values: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("ledger.commit", logging.ERROR, __file__, 1, message, values, None)
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    made.__dict__.update(extra)
    return made


def raised() -> BaseException:
    """As a database raises: the row that it failed on stands in its words, and in those of the error around it."""
    try:
        try:
            raise ValueError(f"failing row contains ({OPENING})")
        except ValueError as error:
            raise RuntimeError(f"statement with parameters {OPENING}") from error
    except RuntimeError as error:
        return error


def test_a_line_is_one_object() -> None:
    text = formatter("json").format(record("two\nlines %s", "\ud800"))
    assert "\n" not in text and text.isascii()
    line = json.loads(text)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "error", "logger": "ledger.commit", "message": "two\nlines \ud800"}


def test_a_request_s_line_has_members_of_its_own() -> None:
    line = json.loads(formatter("json").format(record(Line("GET", "/x", 404, 1.25, "not-found"))))
    assert line["message"] == "GET /x 404 1.2ms not-found"
    assert (line["method"], line["path"], line["status"], line["ms"], line["reason"]) == (
        "GET", "/x", 404, 1.25, "not-found",
    )  # fmt: skip


@pytest.mark.parametrize("shape", ["json", "text"])
def test_an_exception_is_told_without_its_words(shape: Shape) -> None:
    text = formatter(shape).format(record("the writer failed", error=raised()))
    assert OPENING not in text
    assert "RuntimeError at test_log_lines.py:" in text and "caused by ValueError at test_log_lines.py:" in text


def test_words_for_a_person() -> None:
    text = formatter("text").format(record(Line("GET", "/readyz", 200, 0.4, None)))
    assert text.endswith(" ERROR ledger.commit: GET /readyz 200 0.4ms")
    assert formatter("text").format(record("GET %s", "/readyz")).endswith(" ERROR ledger.commit: GET /readyz")


def test_lines_are_written_in_order_by_a_thread_of_their_own() -> None:
    stream = io.StringIO()
    handler = GatheringHandler(stream)
    handler.setFormatter(formatter("text"))
    for n in range(500):
        handler.handle(record("line %d", n))
    handler.flush()
    numbers = [int(line.rsplit(" ", 1)[1]) for line in stream.getvalue().splitlines()]
    assert numbers == list(range(500))


FORKING = """
import logging, os, sys
from api.serve.log_lines import GatheringHandler
handler = GatheringHandler(sys.stderr)
handler.handle(logging.makeLogRecord({"msg": "parent"}))
handler.flush()
child = os.fork()
handler.handle(logging.makeLogRecord({"msg": "child" if child == 0 else "parent again"}))
handler.flush()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_process_that_was_forked_off_writes_lines_too() -> None:
    """As the server's workers are: a thread does not survive it."""
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert sorted(done.stderr.splitlines()) == ["child", "parent", "parent again"]


def test_a_stream_that_is_gone_stops_nobody() -> None:
    stream = io.StringIO()
    handler = GatheringHandler(stream)
    stream.close()
    handler.handle(record("lost"))
    handler.flush()
