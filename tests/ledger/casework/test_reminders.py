"""Whom what waits for: each hears of what he himself can do, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.reminders import SOON_MS, level_of
from ledger.casework.standing import ORDERS
from ledger.workers import lapse_due
from tests.ledger.casework.parties import (
    CLERK,
    EXPERT,
    NOTARY,
    OPERATOR,
    OPPONENT,
    OPPONENTS_COUNSEL,
    PARTNER,
    STRANGER,
    THIRD,
    anchor_photo,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, MovedClock, anchor_file, make_log, opened

EVERYBODY = (
    ALICE, PARTNER, OPPONENT, OPPONENTS_COUNSEL, THIRD, NOTARY, CLERK, EXPERT, JUDGE, STRANGER, OPERATOR,
)  # fmt: skip
DAY_MS = 24 * 3_600 * 1_000
DAYS = 10  # the term, where nothing else is configured


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def ledger(tmp_path: Path, database_url: str, clock: MovedClock) -> Iterator[Ledger]:
    settings = make_log(tmp_path / "data", database_url)
    with opened(settings, clock=clock) as found:
        yield found


def told(ledger: Ledger) -> dict[str, list[tuple[str, str, str]]]:
    """Who hears of what: kind, subject and level, for everybody to whom there is anything to say."""
    found = {
        actor.name: [(each.kind, each.subject, each.level) for each in ledger.desk.reminders(actor)]
        for actor in EVERYBODY
    }
    return {name: said for name, said in found.items() if said}


def test_a_demand_waits_for_the_submitters_side_and_after_its_refusal_for_the_court(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    assert told(ledger) == {}
    demand = lodge(ledger, number, "declared.gps")
    answer = [("answer", demand.demand, "due")]
    assert told(ledger) == {"alice": answer, "partner": answer}
    (view,) = ledger.desk.reminders(PARTNER)
    assert (view.number, view.case, view.due_at) == (number, case, demand.due_at)
    assert view.seconds_left is not None and 0 <= DAYS * DAY_MS // 1_000 - view.seconds_left < 600

    ledger.desk.refuse(ALICE, demand.demand, "a trade secret")
    assert told(ledger) == {"judge": [("ruling", demand.demand, "waiting")]}
    (view,) = ledger.desk.reminders(JUDGE)
    assert (view.number, view.case, view.due_at, view.seconds_left) == (number, case, None, None)
    ledger.desk.rule(JUDGE, demand.demand, "uphold-refusal", "it is one")
    assert told(ledger) == {}


def test_the_other_side_answers_for_what_it_submitted(ledger: Ledger) -> None:
    case = open_case(ledger)
    demand = lodge(ledger, anchor_photo(ledger, case, OPPONENT), "declared.gps", actor=ALICE)
    of_third = lodge(ledger, anchor_photo(ledger, case, THIRD), "declared.gps", actor=JUDGE)
    of_notary = lodge(ledger, anchor_photo(ledger, case, NOTARY), "declared.gps", actor=ALICE)
    answer = [("answer", demand.demand, "due")]
    # Two without a side are not of one side: the clerk and the expert hear nothing of what the notary submitted.
    assert told(ledger) == {
        "opponent": answer,
        "oc": answer,
        "third": [("answer", of_third.demand, "due")],
        "notary": [("answer", of_notary.demand, "due")],
    }


def test_a_term_comes_near_passes_and_lapses(ledger: Ledger, clock: MovedClock) -> None:
    number = anchor_photo(ledger, open_case(ledger))
    first = lodge(ledger, number, "declared.gps").demand
    clock.offset_ms += 2 * DAY_MS
    second = lodge(ledger, number, "declared.author").demand
    clock.offset_ms += (DAYS - 4) * DAY_MS
    assert told(ledger)["alice"] == [("answer", first, "soon"), ("answer", second, "due")]
    clock.offset_ms += 3 * DAY_MS
    assert told(ledger)["alice"] == [("answer", first, "overdue"), ("answer", second, "soon")]
    over, left = (each.seconds_left for each in ledger.desk.reminders(ALICE))
    assert over is not None and left is not None and -DAY_MS // 1_000 - 600 < over < 0 < left < DAY_MS // 1_000

    assert lapse_due(ledger._store, ledger.desk, clock) == 1
    assert told(ledger)["alice"] == [("answer", second, "soon")]
    assert told(ledger)["judge"] == [("ruling", first, "waiting")]


def test_what_is_not_held_waits_for_the_court_and_what_was_disclosed_for_nobody(ledger: Ledger) -> None:
    number = anchor_photo(ledger, open_case(ledger))
    original = lodge(ledger, number, object_="original").demand
    author = lodge(ledger, number, "declared.author").demand
    ledger.desk.disclose(ALICE, original, answer="not_held", text="the telephone was lost")
    ledger.desk.disclose(ALICE, author)
    assert told(ledger) == {"judge": [("ruling", original, "waiting")]}


@pytest.mark.parametrize("order", ORDERS)
def test_a_request_waits_for_who_submitted_the_evidence_and_for_the_court(ledger: Ledger, order: str) -> None:
    case = open_case(ledger)
    anchored = anchor_file(ledger, case)
    asked = ledger.desk.ask_standing(STRANGER, anchored.number, anchored.access, "third").standing
    assert asked is not None
    waiting = [("standing", asked, "waiting")]
    assert told(ledger) == {"alice": waiting, "judge": waiting}  # not the partner: he may not rule on it
    ledger.desk.rule_standing(ALICE, asked, order, "why not")
    assert told(ledger) == {}


def test_who_was_removed_hears_no_more(ledger: Ledger) -> None:
    case = open_case(ledger)
    demand = lodge(ledger, anchor_photo(ledger, case, THIRD), "declared.gps", actor=ALICE).demand
    assert told(ledger) == {"third": [("answer", demand, "due")]}
    ledger.desk.remove_member(ALICE, case, THIRD.name, "left the firm")
    assert told(ledger) == {}


def test_all_cases_of_one_person_are_in_one_list_by_term(ledger: Ledger, clock: MovedClock) -> None:
    demands = []
    for _ in range(3):
        demands.append(lodge(ledger, anchor_photo(ledger, open_case(ledger)), "declared.gps").demand)
        clock.offset_ms += DAY_MS
    ledger.desk.refuse(ALICE, lodge(ledger, anchor_photo(ledger, open_case(ledger))).demand, "no")
    assert [each.subject for each in ledger.desk.reminders(ALICE)] == demands
    assert len({each.case for each in ledger.desk.reminders(ALICE)}) == 3


def test_a_court_hears_of_all_its_cases_up_to_the_limit(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.sql_reminders.PARTS", 2)  # so that cases are read in several statements
    demands = []
    for _ in range(3):
        demands.append(lodge(ledger, anchor_photo(ledger, open_case(ledger)), "declared.gps").demand)
        ledger.desk.refuse(ALICE, demands[-1], "no")
    assert told(ledger) == {"judge": [("ruling", demand, "waiting") for demand in demands]}
    monkeypatch.setattr("ledger.casework.reminders.REMINDERS_MOST", 2)
    assert told(ledger) == {"judge": [("ruling", demand, "waiting") for demand in demands[:2]]}


def test_the_limit_keeps_the_nearest_terms(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.casework.reminders.REMINDERS_MOST", 2)
    number = anchor_photo(ledger, open_case(ledger))
    demands = [lodge(ledger, number, "declared.gps").demand for _ in range(3)]
    assert [each.subject for each in ledger.desk.reminders(ALICE)] == demands[:2]


@pytest.mark.parametrize(
    ("left_ms", "level"),
    [(SOON_MS, "due"), (SOON_MS - 1, "soon"), (1, "soon"), (0, "overdue"), (-1, "overdue")],
)
def test_levels_change_at_their_very_limits(left_ms: int, level: str) -> None:
    assert level_of(left_ms) == level
