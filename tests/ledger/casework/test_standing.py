"""Access codes and who is let in: strangers, accomplices, courts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.access import ATTEMPTS_AN_HOUR
from ledger.casework.people import Actor
from ledger.errors import ConflictError, ErasedError, ForbiddenError, LedgerError, NotFoundError, TooOftenError
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.casework.parties import (
    CLERK,
    EXPERT,
    NOTARY,
    OPPONENT,
    OPPONENTS_COUNSEL,
    PARTNER,
    STRANGER,
    THIRD,
    anchor_photo,
    kinds,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, MovedClock, anchor_file, make_log, opened

HOUR_MS = 3_600 * 1_000
OTHER_JUDGE = Actor("judge-2", "court")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: MovedClock) -> Iterator[Ledger]:
    settings = make_log(tmp_path / "data")
    with opened(settings, clock=clock) as found:
        yield found
    assert list(fsck(settings)) == []


@pytest.fixture
def lonely(ledger: Ledger) -> tuple[str, str, str]:
    """A case in which Alice let nobody in: case, number and code of her evidence."""
    case = ledger.open_case(ALICE, "Alice alone").case
    anchored = anchor_file(ledger, case, said=b'{"metadata": {"gps": "51.1"}}')
    return case, anchored.number, anchored.access


def test_who_has_the_code_asks_and_is_let_in_by_the_submitter(ledger: Ledger, lonely: tuple[str, str, str]) -> None:
    case, number, code = lonely
    asked = ledger.desk.ask_standing(OPPONENT, number, code.lower().replace("-", "- "), "opposing")
    assert (asked.state, asked.account, asked.role) == ("asked", OPPONENT.name, "opposing")
    with pytest.raises(NotFoundError):  # asking opens nothing
        ledger.evidence(OPPONENT, number)
    assert asked.standing is not None
    assert ledger.desk.standing_view(OPPONENT, asked.standing).state == "asked"  # but its own fate
    with pytest.raises(ConflictError, match="asked already"):
        ledger.desk.ask_standing(OPPONENT, number, code, "third")
    assert ledger.desk.rule_standing(ALICE, asked.standing, "admit", "he is the respondent").state == "admitted"
    assert kinds(ledger, case)[-2:] == ["standing.ruled", "member.added"]
    assert ledger.desk.standings(OPPONENT, case) == [ledger.desk.standing_view(ALICE, asked.standing)]
    lodge(ledger, number, "declared.gps")
    with pytest.raises(ConflictError, match="its state is admitted"):
        ledger.desk.rule_standing(ALICE, asked.standing, "refuse", "changed my mind")


def test_an_opponent_who_is_not_let_in_gets_standing_from_the_court(
    ledger: Ledger, lonely: tuple[str, str, str]
) -> None:
    case, number, code = lonely
    asked = ledger.desk.ask_standing(OPPONENT, number, code, "opposing").standing
    assert asked is not None
    ledger.desk.rule_standing(ALICE, asked, "refuse", "I do not know him")
    with pytest.raises(ConflictError, match="refused"):
        ledger.desk.rule_standing(ALICE, asked, "admit", "or do I")
    entered = ledger.desk.ask_standing(JUDGE, number, code, "opposing")
    assert (entered.standing, entered.state) == (None, "admitted")
    assert [m.role for m in ledger.case(ALICE, case).members] == ["party", "court"]
    assert ledger.desk.rule_standing(JUDGE, asked, "admit", "he is the respondent").state == "admitted"
    demand = lodge(ledger, number, "declared.gps").demand
    ledger.desk.refuse(ALICE, demand, "no")
    ledger.desk.rule(JUDGE, demand, "disclose", "yes")
    assert ledger.evidence(OPPONENT, number).opened["declared.gps"] == "51.1"


def test_a_court_without_the_code_stays_outside(ledger: Ledger, lonely: tuple[str, str, str]) -> None:
    case, number, _ = lonely
    with pytest.raises(NotFoundError):
        ledger.desk.ask_standing(JUDGE, number, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A", "opposing")
    for call in (
        lambda: ledger.case(JUDGE, case),
        lambda: ledger.evidence(JUDGE, number),
        lambda: ledger.file(JUDGE, number),
        lambda: ledger.receipt(JUDGE, number),
        lambda: ledger.add_member(JUDGE, case, JUDGE.name, JUDGE.role, "court"),
        lambda: ledger.desk.renew_access(JUDGE, number),
        lambda: ledger.erase(JUDGE, number, "all", "I say so"),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_second_court_needs_the_first(ledger: Ledger, lonely: tuple[str, str, str]) -> None:
    case, number, code = lonely
    ledger.desk.ask_standing(JUDGE, number, code, "third")
    with pytest.raises(ConflictError, match="the case has a court"):
        ledger.desk.ask_standing(OTHER_JUDGE, number, code, "third")
    with pytest.raises(ForbiddenError, match="only that court admits another"):
        ledger.add_member(ALICE, case, OTHER_JUDGE.name, OTHER_JUDGE.role, "court")
    ledger.add_member(JUDGE, case, OTHER_JUDGE.name, OTHER_JUDGE.role, "court")


def test_an_accomplice_is_no_court(ledger: Ledger, lonely: tuple[str, str, str]) -> None:
    case, number, code = lonely
    for role in ("court", "clerk", "notary", "expert"):
        with pytest.raises(ForbiddenError, match=f"no account of role {role}"):
            ledger.add_member(ALICE, case, PARTNER.name, PARTNER.role, role)
    with pytest.raises(UnacceptableError):
        ledger.desk.ask_standing(PARTNER, number, code, "court")
    with pytest.raises(UnacceptableError):
        ledger.desk.ask_standing(PARTNER, number, code, "party")


def test_nobody_is_his_own_opponent(ledger: Ledger, lonely: tuple[str, str, str]) -> None:
    case, number, code = lonely
    with pytest.raises(ConflictError, match="alice is a member already"):
        ledger.desk.ask_standing(ALICE, number, code, "opposing")
    with pytest.raises(ConflictError):
        ledger.add_member(ALICE, case, ALICE.name, ALICE.role, "opposing")
    ledger.add_member(ALICE, case, OPPONENT.name, OPPONENT.role, "opposing")
    theirs = anchor_file(ledger, case, b"theirs", actor=OPPONENT)
    with pytest.raises(UnacceptableError, match="the submitter is on the side opposing"):
        ledger.desk.ask_standing(STRANGER, theirs.number, theirs.access, "opposing")
    assert ledger.desk.ask_standing(STRANGER, theirs.number, theirs.access, "third").state == "asked"


@pytest.mark.parametrize("actor", [PARTNER, OPPONENTS_COUNSEL, THIRD, NOTARY, CLERK, EXPERT], ids=lambda a: a.name)
def test_nobody_else_answers_a_request(ledger: Ledger, actor: Actor) -> None:
    case = open_case(ledger)
    anchored = anchor_file(ledger, case)
    asked = ledger.desk.ask_standing(STRANGER, anchored.number, anchored.access, "third").standing
    assert asked is not None
    with pytest.raises(ForbiddenError):
        ledger.desk.rule_standing(actor, asked, "admit", "my friend")
    with pytest.raises(NotFoundError):
        ledger.desk.rule_standing(STRANGER, asked, "admit", "myself")


# --- codes -----------------------------------------------------------------------------------------------------------


def refusals(ledger: Ledger, *attempts: tuple[str, str], actor: Actor = STRANGER) -> set[tuple[type, str, object]]:
    """How these attempts with number and code are refused."""
    found = set()
    for number, code in attempts:
        with pytest.raises(LedgerError) as caught:
            ledger.desk.ask_standing(actor, number, code, "opposing")
        found.add((type(caught.value), caught.value.what, caught.value.where))
    return found


def test_a_stranger_who_guesses_learns_nothing(ledger: Ledger, lonely: tuple[str, str, str], clock: MovedClock) -> None:
    _, number, code = lonely
    other = anchor_file(ledger, ledger.open_case(ALICE, "another").case, b"x")
    guesses = [
        (number, code[:-1] + ("A" if code[-1] != "A" else "B")),
        (number, ""),
        (number, "\ud800"),
        (number, other.access),
        ("EL-0000000000-98", code),
        ("EL-9999999999-51", code),
        ("EL-0000000003-00", code),
        ("nonsense", code),
    ]
    heard = refusals(ledger, *guesses)
    clock.offset_ms += 366 * 24 * HOUR_MS
    heard |= refusals(ledger, (number, code))
    assert len(heard) == 1, heard
    assert next(iter(heard))[0] is NotFoundError


def test_attempts_are_counted_for_each_account_and_across_restarts(tmp_path: Path) -> None:
    settings, clock = make_log(tmp_path / "data"), MovedClock()
    wrong = "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A"
    with opened(settings, clock=clock) as ledger:
        anchored = anchor_file(ledger, ledger.open_case(ALICE, "t").case)
        for _ in range(ATTEMPTS_AN_HOUR):
            assert {kind for kind, *_ in refusals(ledger, (anchored.number, wrong))} == {NotFoundError}
        with pytest.raises(TooOftenError) as caught:
            ledger.desk.ask_standing(STRANGER, anchored.number, anchored.access, "opposing")  # the right one, too late
        assert 3_590 <= caught.value.retry_after <= 3_600
        assert ledger.desk.ask_standing(THIRD, anchored.number, anchored.access, "third").state == "asked"
    with opened(settings, clock=clock) as ledger:
        clock.offset_ms += HOUR_MS - 60_000
        with pytest.raises(TooOftenError) as caught:
            ledger.desk.ask_standing(STRANGER, anchored.number, anchored.access, "opposing")
        assert 1 <= caught.value.retry_after <= 60
        clock.offset_ms += 61_000
        assert ledger.desk.ask_standing(STRANGER, anchored.number, anchored.access, "opposing").state == "asked"


def test_a_renewed_code_ends_the_one_before(ledger: Ledger, lonely: tuple[str, str, str], clock: MovedClock) -> None:
    case, number, code = lonely
    ledger.add_member(ALICE, case, PARTNER.name, PARTNER.role, "party")
    with pytest.raises(ForbiddenError):
        ledger.desk.renew_access(PARTNER, number)
    second = ledger.desk.renew_access(ALICE, number)
    third = ledger.desk.renew_access(ALICE, number)
    assert len({code, second, third}) == 3
    assert {kind for kind, *_ in refusals(ledger, (number, code), (number, second))} == {NotFoundError}
    clock.offset_ms += 364 * 24 * HOUR_MS
    assert ledger.desk.ask_standing(STRANGER, number, third, "opposing").state == "asked"
    clock.offset_ms += 2 * 24 * HOUR_MS
    assert {kind for kind, *_ in refusals(ledger, (number, third), actor=THIRD)} == {NotFoundError}


def test_a_repeated_submission_is_answered_with_the_code_of_now(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    first = anchor_file(ledger, case, key="k")
    renewed = ledger.desk.renew_access(ALICE, first.number)
    again = anchor_file(ledger, case, key="k")
    assert again.replayed and again.access == renewed != first.access


def test_the_court_renews_a_code_and_an_erasure_ends_it(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    code = ledger.desk.renew_access(JUDGE, number)
    ledger.erase(JUDGE, number, ["declared.gps"], "order 1 of the court")
    assert {kind for kind, *_ in refusals(ledger, (number, code))} == {NotFoundError}
    with pytest.raises(ErasedError):
        ledger.desk.renew_access(ALICE, number)
