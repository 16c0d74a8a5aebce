from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from benchmarks.comparison import Outcome, Series
from benchmarks.growth.growing_log import CASE_ENTRIES, GrowingLog, anchor_alone
from benchmarks.growth.probe import Job, run_probe
from benchmarks.growth.report import Mark, format_alone, format_marks, project
from benchmarks.growth.storage import Stored, measure_stored
from benchmarks.logs import open_log


def test_a_log_grows_goes_on_where_it_stopped_and_answers_the_probe(tmp_path: Path) -> None:
    log, soon = GrowingLog(tmp_path / "log", None), time.monotonic() + 60
    assert log.grow(2 * CASE_ENTRIES, print, soon)
    resumed = GrowingLog(tmp_path / "log", None)
    assert not resumed.grow(10**9, print, time.monotonic())  # the time is over before the first submission
    assert resumed.size() == 1 + 2 * CASE_ENTRIES  # log.opened
    other = GrowingLog(tmp_path / "other", None)
    assert other.grow(CASE_ENTRIES, print, soon)
    for figures in run_probe(Job([str(log.data), str(other.data)], 2)):
        assert {"anchor p50 ms", "timeline page p50 ms", "start ms", "memory MiB"} <= figures.keys()
        assert all(value > 0 for value in figures.values())
    assert resumed.grow(3 * CASE_ENTRIES, print, soon)

    cases = resumed.cases()
    with open_log(resumed.settings) as opened:
        for case in cases:
            assert [entry.index for entry in opened.store.chain_entries(case.chain, 0, CASE_ENTRIES)] == [
                *range(case.first, case.first + CASE_ENTRIES)
            ]
        size = opened.store.head().size
    stored = measure_stored(resumed.settings)
    assert stored.entries == size
    assert 1 < stored.ratio < 4
    assert stored.taken == (tmp_path / "log" / "ledger.db").stat().st_size


def test_entries_anchored_alone_are_measured_by_what_they_add(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "log", None)
    before = measure_stored(log.settings)
    anchor_alone(log.settings, 300)
    added = measure_stored(log.settings).since(before)
    assert added.entries == 1 + 300  # case.opened
    # A checkpoint's ML-DSA-44 signature has 3,227 bytes in base64: one for each entry would show.
    assert 1 < added.ratio < 2.5
    assert format_alone(added).startswith("Anchored one by one")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 1.1], 1.3), ([1.0, 0.9], 0.9), ([3.0, 1.0, 1.2], 1.6), ([1.0], None)],
)
def test_the_projection_goes_on_as_over_the_last_tenfold(values: list[float], expected: float | None) -> None:
    sizes = [10_000 * 10 ** (n + 3 - len(values)) for n in range(len(values))]
    assert sizes[-1] == 1_000_000
    got = project(sizes, values)
    assert got is expected or (got is not None and expected is not None and math.isclose(got, expected))


def test_the_table_has_a_column_for_each_size_and_says_what_is_projected() -> None:
    def mark(size: int, ratio: float) -> Mark:
        figures = {"anchor p50 ms": [Series("grown", False, (ratio,) * 3), Series("small", True, (1.0,) * 3)]}
        return Mark(size, 5_000.0, Stored(size, size * 1_200, size * 800), Outcome("growth", "", figures))

    text = format_marks("SQLite", [mark(10_000, 1.0), mark(100_000, 1.25)])
    assert "| SQLite | 10,000 | 100,000 | aim | projected 100,000,000 |" in text
    assert "| 1.00 **1.00** 1.00 (1.00) | 1.25 **1.25** 1.25 (1.25) | ≤ 1.3 | 2.00 |" in text
    assert "| bytes ÷ (leaf + openings) | 1.50 | 1.50 | ≤ 1.6 |" in text
    assert "Projection, not measured: 100,000,000 entries take 112 GiB, and 5.6 hours" in text
