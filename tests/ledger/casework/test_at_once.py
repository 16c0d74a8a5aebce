"""Two who act at once, terms that pass, members removed in the middle: each with one outcome."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.errors import ConflictError, ForbiddenError, NotFoundError
from ledger.submit.acts import Acting
from ledger.upkeep.fsck import fsck
from ledger.workers import lapse_due
from tests.ledger.casework.parties import (
    OPPONENT,
    OPPONENTS_COUNSEL,
    PARTNER,
    PHOTO,
    STRANGER,
    anchor_photo,
    kinds,
    lodge,
    open_case,
    outcome,
)
from tests.ledger.making import ALICE, JUDGE, MovedClock, make_log, opened

DAY_MS = 24 * 3_600 * 1_000


@pytest.fixture
def pair(tmp_path: Path, database_url: str) -> Iterator[tuple[Ledger, Ledger]]:
    """Two processes' stores on one PostgreSQL; on SQLite, where one process writes, one ledger twice."""
    settings = make_log(tmp_path / "data", database_url)
    with opened(settings) as first:
        if settings.embedded:
            yield first, first
        else:
            with opened(settings) as second:
                yield first, second
    assert list(fsck(settings)) == []


def at_once(*calls: object) -> list[object]:
    """The outcomes of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def call(each: object) -> object:
        barrier.wait()
        return outcome(each)  # type: ignore[arg-type]  # callables without arguments

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_of_two_who_answer_at_once_one_wins_and_the_other_hears_the_new_state(pair: tuple[Ledger, Ledger]) -> None:
    first, second = pair
    case = open_case(first)
    number = anchor_photo(first, case)
    won: Counter[str] = Counter()
    for _ in range(12):
        demand = lodge(first, number, "declared.gps").demand
        results = at_once(
            lambda demand=demand: first.desk.disclose(ALICE, demand),
            lambda demand=demand: second.desk.rule(JUDGE, demand, "uphold-refusal", "private"),
            lambda demand=demand: second.desk.disclose(PARTNER, demand),
        )
        state = first.desk.demand_view(ALICE, demand).state
        refused = [each for each in results if isinstance(each, ConflictError)]
        assert len(refused) == 2, results
        assert state in ("disclosed", "upheld")
        assert all(f"its state is {state} now" in each.what for each in refused)
        assert len(first.desk.demand_view(ALICE, demand).events) == 1
        won[state] += 1
    assert sum(won.values()) == 12


def test_of_two_rulings_at_once_one_stands(pair: tuple[Ledger, Ledger]) -> None:
    first, second = pair
    case = open_case(first)
    demand = lodge(first, anchor_photo(first, case), "declared.gps").demand
    results = at_once(
        lambda: first.desk.rule(JUDGE, demand, "disclose", "relevant"),
        lambda: second.desk.rule(JUDGE, demand, "uphold-refusal", "private"),
    )
    assert sum(isinstance(each, ConflictError) for each in results) == 1
    assert kinds(first, case).count("demand.ruled") == 1


def test_two_who_act_on_different_demands_do_not_hinder_each_other(pair: tuple[Ledger, Ledger]) -> None:
    first, second = pair
    case = open_case(first)
    number = anchor_photo(first, case)
    demands = [lodge(first, number, "declared.gps").demand for _ in range(8)]
    ledgers = [first, second] * 4
    results = at_once(
        *(
            lambda one=one, demand=demand: one.desk.disclose(ALICE, demand)
            for one, demand in zip(ledgers, demands, strict=True)
        )
    )
    assert [getattr(each, "state", each) for each in results] == ["disclosed"] * 8


# --- terms -----------------------------------------------------------------------------------------------------------


def test_a_term_that_passes_is_recorded_once_by_whoever_sees_it_first(tmp_path: Path, database_url: str) -> None:
    settings, clock = make_log(tmp_path / "data", database_url), MovedClock()
    with opened(settings, clock=clock) as first:
        case = open_case(first)
        number = anchor_photo(first, case)
        waiting = [lodge(first, number, "declared.gps").demand for _ in range(6)]
        answered = lodge(first, number, "declared.author").demand
        first.desk.disclose(ALICE, answered)
        second = first if settings.embedded else Ledger.open(settings, clock=clock)
        clock.offset_ms += 10 * DAY_MS - 60_000
        assert lapse_due(first._store, first.desk, clock) == 0
        clock.offset_ms += 120_000
        found = at_once(*(lambda each=each: lapse_due(each._store, each.desk, clock) for each in (first, second) * 2))
        assert sum(int(str(each)) for each in found) == 6
        assert kinds(first, case).count("demand.lapsed") == 6
        view = first.desk.demand_view(OPPONENT, waiting[0])
        assert (view.state, view.events[-1].by) == ("lapsed", "@ledger")
        assert first.desk.demand_view(OPPONENT, answered).state == "disclosed"
        assert first.desk.disclose(ALICE, waiting[0]).state == "disclosed"  # late is better than never
        if second is not first:
            second.close()
    assert list(fsck(settings)) == []


def test_a_term_that_passed_during_downtime_is_recorded_at_the_start(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        case = open_case(ledger)
        demand = lodge(ledger, anchor_photo(ledger, case), "declared.gps").demand
    with opened(settings, clock=MovedClock(30 * DAY_MS)) as ledger:
        assert ledger.desk.demand_view(ALICE, demand).state == "asked"
        ledger.start()
        for _ in range(600):
            if ledger.desk.demand_view(ALICE, demand).state == "lapsed":
                break
            threading.Event().wait(0.05)
        assert ledger.desk.demand_view(ALICE, demand).state == "lapsed"
    with opened(settings, clock=MovedClock(60 * DAY_MS)) as ledger:
        assert lapse_due(ledger._store, ledger.desk, MovedClock(60 * DAY_MS)) == 0
        assert kinds(ledger, case).count("demand.lapsed") == 1


# --- members ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    settings = make_log(tmp_path / "data")
    with opened(settings) as found:
        yield found
    assert list(fsck(settings)) == []


def test_a_removed_member_sees_nothing_and_his_side_goes_on(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    own = anchor_photo(ledger, case, OPPONENT)
    demand = lodge(ledger, number, "declared.gps").demand
    against = lodge(ledger, own, "declared.gps", actor=ALICE).demand
    view = ledger.desk.remove_member(JUDGE, case, OPPONENT.name, "dismissed his lawyer")
    assert OPPONENT.name not in [member.account for member in view.members]
    for call in (
        lambda: ledger.case(OPPONENT, case),
        lambda: ledger.evidence(OPPONENT, own),
        lambda: ledger.desk.demand_view(OPPONENT, demand),
        lambda: ledger.desk.disclose(OPPONENT, against),
        lambda: ledger.file(OPPONENT, own),
        lambda: lodge(ledger, number),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert ledger.cases(OPPONENT, -1, 10) == [] and ledger.lookup(OPPONENT, "0" * 64) == []
    # What he asked is on record, and what opens for it opens to his side.
    ledger.desk.disclose(ALICE, demand)
    assert "declared.gps" in ledger.evidence(OPPONENTS_COUNSEL, number).opened
    # What he anchored is his side's, to disclose and to see.
    assert "declared.gps" in ledger.evidence(OPPONENTS_COUNSEL, own).opened
    assert ledger.desk.disclose(OPPONENTS_COUNSEL, against).state == "disclosed"
    assert kinds(ledger, case).count("member.removed") == 1


def test_a_removed_member_comes_back_in_his_old_role_alone(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    ledger.desk.disclose(ALICE, lodge(ledger, number, "declared.gps").demand)
    ledger.desk.remove_member(ALICE, case, OPPONENT.name, "by mistake")
    with pytest.raises(NotFoundError):
        ledger.desk.remove_member(ALICE, case, OPPONENT.name, "again")
    for role in ("party", "third"):
        with pytest.raises(ConflictError, match="was a member with role opposing"):
            ledger.add_member(ALICE, case, OPPONENT.name, OPPONENT.role, role)
    ledger.add_member(ALICE, case, OPPONENT.name, OPPONENT.role, "opposing")
    assert "declared.gps" in ledger.evidence(OPPONENT, number).opened


def test_who_removes_whom(ledger: Ledger) -> None:
    case = open_case(ledger)
    for actor in (PARTNER, OPPONENT):
        with pytest.raises(ForbiddenError, match="only who opened the case"):
            ledger.desk.remove_member(actor, case, "third", "r")
    for actor, account in ((ALICE, JUDGE.name), (ALICE, ALICE.name), (JUDGE, JUDGE.name)):
        with pytest.raises(ForbiddenError):
            ledger.desk.remove_member(actor, case, account, "r")
    with pytest.raises(NotFoundError):
        ledger.desk.remove_member(STRANGER, case, "third", "r")
    ledger.desk.remove_member(JUDGE, case, ALICE.name, "replaced by her heir")
    with pytest.raises(NotFoundError):
        ledger.add_member(ALICE, case, "heir", "party", "party")  # who opened it opens no more doors


def test_what_a_member_was_sending_while_he_was_removed_is_refused(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_case(ledger)
    checked = ledger._right.check

    def removed_meanwhile(actor: Actor, chain: str) -> int:
        acts = checked(actor, chain)
        if OPPONENT.name in [member.account for member in ledger.case(ALICE, case).members]:
            ledger.desk.remove_member(ALICE, case, OPPONENT.name, "just now")
        return acts

    monkeypatch.setattr(ledger._right, "check", removed_meanwhile)
    before = len(kinds(ledger, case))
    with pytest.raises(NotFoundError):
        anchor_photo(ledger, case, OPPONENT)
    assert kinds(ledger, case)[before:] == ["member.removed"]


def test_a_decision_that_never_holds_is_given_up(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    case = open_case(ledger)
    demand = lodge(ledger, anchor_photo(ledger, case), "declared.gps").demand
    append = Acting._append

    def always_late(self: Acting, acts: object) -> object:
        lodge_other()
        return append(self, acts)  # type: ignore[arg-type]

    other = lodge(ledger, anchor_photo(ledger, case, data=PHOTO + b"2"), "declared.gps")

    def lodge_other() -> None:
        monkeypatch.setattr(Acting, "_append", append)
        lodge(ledger, other.number, "declared.gps")
        monkeypatch.setattr(Acting, "_append", always_late)

    monkeypatch.setattr(Acting, "_append", always_late)
    with pytest.raises(ConflictError, match="the case keeps changing"):
        ledger.desk.disclose(ALICE, demand)
