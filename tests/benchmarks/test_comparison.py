from __future__ import annotations

import json

import pytest

from benchmarks.comparison import Contender, Outcome, compare, percentile, tabulate
from benchmarks.record import shape_outcome
from benchmarks.table import format_figure, format_outcome


def test_contenders_run_in_turn_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def act(name: str, step: float) -> Contender:
        figures = iter([999.0, step, 2 * step, 3 * step])

        def run() -> dict[str, float]:
            order.append(name)
            return {"acts/s": next(figures)}

        return Contender(name, run, peer=name == "bare")

    outcome = compare("example", "an example", [act("ours", 10.0), act("bare", 40.0)], rounds=3)
    assert order == ["ours", "bare"] * 4
    assert [series.rounds for series in outcome.metrics["acts/s"]] == [(10.0, 20.0, 30.0), (40.0, 80.0, 120.0)]
    (ratio,) = outcome.ratios("acts/s")
    assert (ratio.of, ratio.to, ratio.median) == ("ours", "bare", 0.25)

    shaped = json.loads(json.dumps(shape_outcome(outcome)))
    ours = shaped["metrics"]["acts/s"]["contenders"][0]
    assert (ours["min"], ours["median"], ours["max"]) == (10.0, 20.0, 30.0)
    rows = [line.split() for line in format_outcome(outcome).splitlines()]
    assert ["a", "ours", "10.0", "20.0", "30.0", "0.25"] in rows
    assert ["b", "bare", "40.0", "80.0", "120"] in rows


def test_rounds_of_several_in_step_are_tabulated_as_those_in_turn() -> None:
    outcome = tabulate("example", "an example", {"bare": [{"p50 ms": 2.0}, {"p50 ms": 4.0}],
                                                 "full": [{"p50 ms": 3.0}, {"p50 ms": 8.0}]}, {"bare"})  # fmt: skip
    assert [(each.name, each.peer, each.rounds) for each in outcome.metrics["p50 ms"]] == [
        ("bare", True, (2.0, 4.0)),
        ("full", False, (3.0, 8.0)),
    ]
    (ratio,) = outcome.ratios("p50 ms")
    assert (ratio.of, ratio.to, ratio.rounds) == ("full", "bare", (1.5, 2.0))


def test_two_contenders_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two contenders"):
        compare("example", "", [Contender("same", dict), Contender("same", dict)], rounds=1)


def test_what_was_skipped_says_why() -> None:
    assert "skipped: no server" in format_outcome(Outcome("example", "not measured", skipped="no server"))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)])
def test_percentiles(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (12346.0, "12,346")])
def test_figures_show_three_telling_digits(value: float, shown: str) -> None:
    assert format_figure(value) == shown
