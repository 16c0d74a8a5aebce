"""Who may anchor is read in one statement: the membership, and the acts that it was read on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.errors import ForbiddenError, NotFoundError
from tests.ledger.making import ALICE, BOB, make_log, opened, statement

CLERK = Actor("clerk", "clerk")


@pytest.fixture
def ledger(tmp_path: Path, database_url: str) -> Iterator[Ledger]:
    with opened(make_log(tmp_path / "data", database_url)) as made:
        yield made


def test_it_says_what_the_whole_state_says(ledger: Ledger) -> None:
    case, reader = ledger.open_case(ALICE, "One").case, ledger.desk.reader
    other = ledger.open_case(BOB, "Other").case
    ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
    for actor in (ALICE, BOB):
        state, member = reader.state_for(actor, case)
        assert reader.membership(actor, case) == (member, state.acts)
    ledger.anchor(ALICE, case, statement(), None, None, None)
    assert reader.membership(ALICE, case)[1] == 2  # evidence is no act
    assert reader.membership(BOB, other)[1] == 1


@pytest.mark.parametrize("case", ["", "x", "zz" * 16, "AB" * 16, "cd" * 16, "ab" * 16 + "\n"])
def test_what_is_no_case_is_not_found(ledger: Ledger, case: str) -> None:
    with pytest.raises(NotFoundError, match="no such case, or you are not a member of it"):
        ledger.desk.reader.membership(ALICE, case)


def test_strangers_and_removed_members_are_told_the_same(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "One").case
    with pytest.raises(NotFoundError, match="no such case, or you are not a member of it"):
        ledger.check_may_anchor(BOB, case)
    ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
    ledger.check_may_anchor(BOB, case)
    ledger.desk.remove_member(ALICE, case, BOB.name, "left")
    with pytest.raises(NotFoundError, match="no such case, or you are not a member of it"):
        ledger.anchor(BOB, case, statement(), None, None, None)


def test_an_office_anchors_nothing(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "One").case
    ledger.add_member(ALICE, case, CLERK.name, CLERK.role, "clerk")
    with pytest.raises(ForbiddenError, match="only a side, a notary or an expert"):
        ledger.anchor(CLERK, case, statement(), None, None, None)
