"""An answer is put together from parts that are canonical already: its bytes are those of one that is serialised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.v1.evidence import _LINES_AT_ONCE, _lines
from api.v1.views import anchored_bytes
from ledger.entry.canonical_json import parse, serialise
from ledger.entry.receipt_number import format_number
from ledger.submit.anchor_flow import Anchored
from ledger.submit.kinds import Missing
from tests.ledger.entry.test_canonical_json import TEXTS

MISSING = st.builds(Missing, TEXTS, TEXTS)


def anchored(index: int, missing: list[Missing], questions: list[str]) -> Anchored:
    receipt = serialise({"leaf": '{"a":1}', "v": 1})
    time = "2026-11-21T09:15:02.123Z"
    return Anchored(
        format_number(index), "ab" * 16, index, time, "ABCDE-F", receipt, False, tuple(missing), tuple(questions)
    )


@given(st.integers(0, 10**10 - 1), st.lists(MISSING, max_size=3), st.lists(TEXTS, max_size=3))
def test_an_answer_is_canonical_json(index: int, missing: list[Missing], questions: list[str]) -> None:
    each = anchored(index, missing, questions)
    assert anchored_bytes(each) == serialise(
        {
            "access": each.access,
            "case": each.case,
            "index": index,
            "missing": [{"name": one.name, "reason": one.reason} for one in missing],
            "number": each.number,
            "questions": questions,
            "receipt": parse(each.receipt, where="receipt"),
            "time": each.time,
        }
    )


def test_every_answer_of_a_batch_is_a_line_of_its_own() -> None:
    for count in (1, 2, _LINES_AT_ONCE - 1, _LINES_AT_ONCE, _LINES_AT_ONCE + 1, 3 * _LINES_AT_ONCE):
        answers = [anchored(index, [], []) for index in range(count)]
        assert b"".join(_lines(answers)) == b"".join(anchored_bytes(each) + b"\n" for each in answers)
