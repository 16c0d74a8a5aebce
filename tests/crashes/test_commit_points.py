"""A thousand kills: at random, and before and after each named point of the way from a request to its answer.

After every kill the log is started again, repeats what nobody heard of, and is looked at as a whole: every acknowledged
entry stands where it was said to, once, chains have no gap, there is no entry that nobody asked for, every checkpoint
that was ever served (and those of all receipts) is proven consistent with the one served now, and `fsck` of everything
finds nothing. Where a kill is meant to meet the start itself, the log is looked at after that one: two deaths in a row.

`make test` does a part, EVIDENCE_FAULT_KILLS=1000 (`make test-faults`) the whole, on each database.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crashes.campaign import Kill, begin, carry_out
from tests.crashes.commit_points import POINTS
from tests.crashes.nursery import Nursery, nursery
from tests.crashes.writer import EVERY

KILLS = int(os.environ.get("EVIDENCE_FAULT_KILLS", "16"))
AT_RANDOM = 0.3  # of all kills
ON_ONE_LOG = 40  # so that looking at all of it each time stays cheap
FIGURES = os.environ.get("EVIDENCE_FAULT_FIGURES")  # a file to which each campaign adds a line of figures


def plan(kills: int, *, sqlite: bool) -> list[Kill]:
    """So many kills: all named points in both moments and in turn, then again; and as many at random as there are to
    be. A start that finds nothing to mend is half a start: points of the start come after some other kill.
    """
    points = [point for point in POINTS if sqlite or not point.sqlite_only]
    named = [
        Kill(point, moment, turn)
        for turn in range(1, 1 + max(point.turns for point in points))
        for point in points
        if turn <= point.turns
        for moment in ("before", "after")
    ]
    order = random.Random(20261121)
    planned: list[Kill] = []
    while len(planned) < kills:
        each_round = named + [Kill()] * round(len(named) * AT_RANDOM / (1 - AT_RANDOM))
        order.shuffle(each_round)
        planned += each_round
    return planned[:kills]


def campaigns(sqlite: bool) -> list[Sequence[Kill]]:
    planned = plan(KILLS, sqlite=sqlite)
    return [planned[at : at + ON_ONE_LOG] for at in range(0, KILLS, ON_ONE_LOG)]


@pytest.fixture(scope="module")
def writers() -> Iterator[Nursery]:
    with nursery() as started:
        yield started


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(len(campaigns(sqlite=True))))
def test_nothing_told_is_lost_doubled_or_contradicted(
    tmp_path: Path, database_url: str, writers: Nursery, number: int
) -> None:
    sqlite = database_url.startswith("sqlite")
    # Every third log stands just below a full tile, so that kills meet the writing of one.
    campaign = begin(tmp_path / "data", database_url, writers, number, already=(0, 0, 235)[number % 3])
    started = time.monotonic()
    carry_out(campaign, campaigns(sqlite)[number])
    if FIGURES:
        figures = {"database": "sqlite" if sqlite else "postgresql", "log": number, **campaign.figures}
        with Path(FIGURES).open("a") as file:
            file.write(json.dumps({**figures, "seconds": round(time.monotonic() - started, 1)}) + "\n")


def test_every_named_point_is_come_to(tmp_path: Path, database_url: str, writers: Nursery) -> None:
    """A function that is renamed, or no longer called, must not leave the list unseen."""
    campaign = begin(tmp_path / "data", database_url, writers, already=235)
    order = replace(campaign.next_order(), count=10, point=EVERY)
    assert writers.run(order) == 0
    campaign.told.read(Path(order.telling))
    assert campaign.told.not_met == []
    assert len(campaign.told.answers) > 60


def test_the_plan_meets_every_point_before_and_after() -> None:
    for sqlite in (True, False):
        planned = plan(1000, sqlite=sqlite)
        assert len(planned) == 1000
        met = {(kill.point.name, kill.moment, kill.turn) for kill in planned if kill.point is not None}
        points = [point for point in POINTS if sqlite or not point.sqlite_only]
        assert met == {
            (point.name, moment, turn)
            for point in points
            for turn in range(1, point.turns + 1)
            for moment in ("before", "after")
        }
        assert sum(kill.point is None for kill in planned) >= 250
