"""The server's log: one JSON object a line, or words; of an exception places and types, never what it quotes."""

from __future__ import annotations

import json
import logging

import pytest

from api.serve.log_lines import Shape, formatter

OPENING = "the-value-of-an-opening"


def record(message: str, *values: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
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
    text = formatter("json").format(record("two\nlines %s", "\ud800", fields={"status": 404, "reason": "not-found"}))
    assert "\n" not in text and text.isascii()
    line = json.loads(text)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "error", "logger": "ledger.commit", "message": "two\nlines \ud800", "status": 404,
        "reason": "not-found",
    }  # fmt: skip


@pytest.mark.parametrize("shape", ["json", "text"])
def test_an_exception_is_told_without_its_words(shape: Shape) -> None:
    text = formatter(shape).format(record("the writer failed", error=raised()))
    assert OPENING not in text
    assert "RuntimeError at test_log_lines.py:" in text and "caused by ValueError at test_log_lines.py:" in text


def test_words_for_a_person() -> None:
    text = formatter("text").format(record("GET %s", "/readyz", fields={"status": 200}))
    assert text.endswith(" ERROR ledger.commit: GET /readyz")
