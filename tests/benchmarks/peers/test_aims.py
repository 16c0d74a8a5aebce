from __future__ import annotations

import json

import pytest

from benchmarks.comparison import Outcome, Series
from benchmarks.peers.aims import Aim, format_rows, judge

OUTCOME = Outcome(
    "example",
    "an example",
    {"acts/s": [Series("ours", False, (10.0, 30.0, 20.0)), Series("theirs", True, (20.0, 20.0, 10.0))]},
)
LEAST = Aim("ours ÷ theirs", "acts/s", "ours", "theirs", at_least=1.5)


def test_a_row_holds_the_ratios_of_its_rounds_and_judges_their_median() -> None:
    (row,) = judge([LEAST], OUTCOME, "no reason")
    assert row.ratio is not None
    assert row.ratio.rounds == (0.5, 1.5, 2.0)
    assert row.verdict is True
    shaped = json.loads(json.dumps(row.shape()))
    assert shaped["ratio"] == {"min": 0.5, "median": 1.5, "max": 2.0}
    assert (shaped["at_least"], shaped["holds"], shaped["skipped"]) == (1.5, True, None)
    assert "| ours ÷ theirs | 0.50 | **1.50** | 2.00 | ≥ 1.5 | yes | 20.0, 20.0 acts/s |" in format_rows([row], [""])


@pytest.mark.parametrize(
    ("bounds", "holds", "word"),
    [({"at_least": 1.51}, False, "NO"), ({"at_most": 1.5}, True, "yes"), ({"at_most": 1.49}, False, "NO"),
     ({}, None, "–")],
)  # fmt: skip
def test_a_bound_is_kept_from_its_own_side(bounds: dict[str, float], holds: bool | None, word: str) -> None:
    (row,) = judge([Aim("row", "acts/s", "ours", "theirs", **bounds)], OUTCOME, "")
    assert row.verdict is holds
    assert f"| {row.aim.bound} | {word} |" in format_rows([row], [])


def test_a_figure_can_be_held_against_another_one_of_the_peer() -> None:
    series = {
        "p99 ms": [Series("ours", False, (2.0,)), Series("theirs", True, (900.0,))],
        "p50 ms": [Series("ours", False, (1.0,)), Series("theirs", True, (100.0,))],
    }
    aim = Aim("row", "p99 ms", "ours", "theirs", at_most=0.02, to_metric="p50 ms")
    (row,) = judge([aim], Outcome("example", "", series), "")
    assert row.ratio is not None
    assert (row.ratio.median, row.verdict) == (0.02, True)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(OUTCOME, "no go here"), (Outcome("example", "", skipped="no database"), "no database")],
)
def test_a_contender_that_did_not_run_leaves_a_row_with_the_reason(outcome: Outcome, reason: str) -> None:
    (row,) = judge([Aim("row", "acts/s", "ours", "absent", at_least=1)], outcome, "no go here")
    assert row.verdict is None
    assert row.shape()["skipped"] == reason
    assert f"| row | – | – | – | ≥ 1 | – | skipped: {reason} |" in format_rows([row], [])
