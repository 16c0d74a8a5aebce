"""A worker's answer is read as if the evidence had written it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.extract.answer import parse_answer
from ledger.extract.errors import ExtractError
from ledger.extract.formats import FORMATS


def answer(**changes: Any) -> dict[str, Any]:
    fields = dict.fromkeys(FORMATS["other"].names)
    fields |= {"extracted.format": "other", "extracted.extractor": "x", "extracted.extractor_version": "1"}
    return {**fields, **{f"extracted.{name}": value for name, value in changes.items()}}


def test_a_whole_answer_is_taken() -> None:
    assert parse_answer(json.dumps(answer(make="a")).encode())["extracted.make"] == "a"


@pytest.mark.parametrize(
    "changes",
    [
        {"make": 1.5},
        {"make": 2**53},
        {"make": float("nan")},
        {"make": "x" * 70_000},
        {"make": ["x" * 100] * 1_000},
        {"make": "\x07"},
        {"make": "\ud800"},
        {"make": [[[[[[[[["deep"]]]]]]]]]},
        {"format": "jpeg"},
        {"format": None},
        {"format": ["other"]},
        {"extractor": 1},
        {"failure": 5},
        {"surplus": None},
    ],
)
def test_what_cannot_be_committed_or_is_not_asked_for_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ExtractError):
        parse_answer(json.dumps(answer(**changes)).encode())


def test_a_missing_name_a_name_twice_and_what_is_no_json_are_refused() -> None:
    missing = answer()
    del missing["extracted.make"]
    twice = json.dumps(answer())[:-1] + ', "extracted.make": "b"}'
    for data in (json.dumps(missing).encode(), twice.encode(), b"", b"[]", b"[" * 100_000, b"1" * 5_000, b"\xff"):
        with pytest.raises(ExtractError):
            parse_answer(data)
