"""A right to anchor that was read a moment ago lets nobody in who has lost it since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework import anchoring_right
from ledger.errors import ForbiddenError, NotFoundError
from tests.ledger.making import ALICE, BOB, JUDGE, make_log, opened, statement


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setattr(anchoring_right, "REMEMBERED_SECONDS", 3_600.0)  # the worst case
    with opened(make_log(tmp_path)) as ledger:
        yield ledger


def size(ledger: Ledger) -> object:
    return ledger.status()["size"]


def test_a_member_who_was_removed_is_refused_by_the_writer(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
    ledger.check_may_anchor(BOB, case)
    ledger.anchor(BOB, case, statement(1), None, None, None)
    ledger.desk.remove_member(ALICE, case, BOB.name, "left")
    before = size(ledger)
    ledger.check_may_anchor(BOB, case)  # remembered
    with pytest.raises(NotFoundError):
        ledger.anchor(BOB, case, statement(2), None, None, None)
    assert size(ledger) == before
    with pytest.raises(NotFoundError):
        ledger.anchor_batch(BOB, case, [statement(3)], None)


def test_acts_of_others_cost_a_second_look_and_no_refusal(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    ledger.check_may_anchor(ALICE, case)
    ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
    assert ledger.anchor(ALICE, case, statement(1), None, None, None).index > 0
    assert ledger.anchor(ALICE, case, statement(2), None, None, None).index > 0


def test_no_refusal_is_remembered(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    for _ in range(2):
        with pytest.raises(NotFoundError):
            ledger.check_may_anchor(BOB, case)
    ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
    ledger.check_may_anchor(BOB, case)
    ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
    with pytest.raises(ForbiddenError):
        ledger.check_may_anchor(JUDGE, case)


def test_one_actor_s_right_is_nobody_else_s(ledger: Ledger) -> None:
    case, other = ledger.open_case(ALICE, "t").case, ledger.open_case(BOB, "o").case
    ledger.check_may_anchor(ALICE, case)
    for actor, place in ((BOB, case), (ALICE, other)):
        with pytest.raises(NotFoundError):
            ledger.check_may_anchor(actor, place)
