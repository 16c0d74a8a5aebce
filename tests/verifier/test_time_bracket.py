"""Which timestamps count, and the bracket: quorum, rounding, renewal. What a token says is given, not parsed."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from verifier import time_bracket
from verifier.errors import BadTimestamp
from verifier.time_bracket import MAX_AHEAD_US, Counted, Stamp, bracket, judge

SECOND = 1_000_000
A, B, C = "tsa/a.pem", "tsa/b.pem", "tsa/c.pem"


@dataclass(frozen=True)
class Token:
    """What the bracket reads of a token; the rest of the fields say what its checks would come to."""

    gen_time_us: int
    accuracy_us: int = 0
    end_us: int = 10**18
    authorities: tuple[str, ...] = (A,)
    reason: str | None = None


def stamp(place: int, token: Token, size: int = 5, recorded: int | None = None) -> Stamp:
    return Stamp(place, token, size, recorded)  # type: ignore[arg-type]  # a double of a token


@pytest.fixture(autouse=True)
def doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    def authorities(token: Any, anchors: Any, intermediates: Any) -> list[str]:
        if "crowd" in token.authorities:
            raise BadTimestamp("too many certificates")
        return list(token.authorities)

    monkeypatch.setattr(time_bracket, "uncounted_reason", lambda token: token.reason)
    monkeypatch.setattr(time_bracket, "authorities_of", authorities)
    monkeypatch.setattr(time_bracket, "_end_us", lambda token: token.end_us)


TRUST: Any = SimpleNamespace(authorities={A: (), B: (), C: ()}, operator={"tsa-operator/o.pem": ()})


def counted_places(stamps: list[Stamp], now_us: int = 100 * SECOND) -> set[int]:
    return {found.stamp.place for found in judge(stamps, TRUST, (), now_us).counted}


def test_exactly_one_independent_authority() -> None:
    operator = "tsa-operator/o.pem"
    uncounted: list[tuple[str, ...]] = [(), (A, B), ("crowd",), (operator,), (A, operator)]
    for authorities, counts in (((A,), True), *((names, False) for names in uncounted)):
        token = Token(SECOND, authorities=authorities)
        judgement = judge([stamp(0, token)], TRUST, (), 100 * SECOND)
        assert bool(judgement.counted) is counts
        assert bool(judgement.reasons) is not counts
    assert counted_places([stamp(0, Token(SECOND, reason="no"))]) == set()


def test_the_future() -> None:
    now = 100 * SECOND
    assert counted_places([stamp(0, Token(now + MAX_AHEAD_US))], now) == {0}
    assert counted_places([stamp(0, Token(now + MAX_AHEAD_US + 1))], now) == set()


def test_the_end_of_the_certificate() -> None:
    assert counted_places([stamp(0, Token(0, end_us=100))], 100) == {0}
    assert counted_places([stamp(0, Token(0, end_us=100))], 101) == set()


def renewed(**changes: Any) -> set[int]:
    """Places that count of an ended token that is recorded at 3, and a later one that keeps it alive."""
    old = stamp(0, Token(10, end_us=1_000), recorded=changes.pop("recorded", 3))
    later = {"gen_time_us": 500, "accuracy_us": 100, **changes}
    size = later.pop("size", 4)
    return counted_places([old, stamp(1, Token(**later), size=size)], now_us=2_000)


def test_renewal() -> None:
    assert renewed() == {0, 1}
    assert renewed(recorded=None) == {1}
    assert renewed(size=3) == {1}
    assert renewed(accuracy_us=499) == {0, 1}
    assert renewed(accuracy_us=500) == {1}
    assert renewed(gen_time_us=10) == {1}
    assert renewed(authorities=()) == set()
    assert renewed(end_us=1_999) == set()
    assert renewed(authorities=(B,)) == {0, 1}


def test_renewal_in_a_chain_and_not_in_a_circle() -> None:
    first = stamp(0, Token(10, end_us=100), size=4, recorded=3)
    second = stamp(1, Token(50, end_us=500), size=6, recorded=5)
    third = stamp(2, Token(400, end_us=5_000), size=8)
    assert counted_places([first, second, third], 2_000) == {0, 1, 2}
    assert counted_places([third, first, second], 2_000) == {0, 1, 2}
    assert counted_places([first, second], 2_000) == set()
    assert counted_places([first, third], 2_000) == {2}


def counted(
    authority: str, gen_time_us: int, accuracy_us: int = 0, size: int = 9, recorded: int | None = None
) -> Counted:
    return Counted(stamp(0, Token(gen_time_us, accuracy_us), size, recorded), authority)


def test_rounding_is_outwards() -> None:
    found = bracket(4, [counted(A, 10_001, 0, recorded=3), counted(A, 20_001, 0)], 1)
    assert (found.not_before, found.not_after) == (10, 11)
    found = bracket(4, [counted(A, 20_000, 1_000, recorded=3)], 1)
    assert (found.not_before, found.not_after) == (19, 21)
    assert bracket(4, [counted(A, -1_500, recorded=3)], 1).not_before == -2
    assert bracket(4, [counted(A, -1_500)], 1).not_after == -1


def test_which_tokens_speak_for_which_end() -> None:
    for index, not_before, not_after in ((2, None, 10), (3, None, 10), (4, 10, 10), (8, 10, 10), (9, 10, None)):
        found = bracket(index, [counted(A, 10_000, size=9, recorded=3)], 1)
        assert (found.not_before, found.not_after) == (not_before, not_after)


def test_quorum() -> None:
    tokens = [counted(A, 30_000), counted(A, 10_000), counted(B, 20_000), counted(C, 40_000)]
    assert [bracket(0, tokens, quorum).not_after for quorum in (1, 2, 3, 4)] == [10, 20, 40, None]
    lowers = [counted(A, 30_000, recorded=1), counted(A, 10_000, recorded=1), counted(B, 20_000, recorded=1)]
    assert [bracket(2, lowers, quorum).not_before for quorum in (1, 2, 3)] == [30, 20, None]
    assert bracket(0, tokens, 0).not_after is None


def test_one_liar_cannot_narrow_a_quorum_of_two() -> None:
    before = [counted(A, 40_000, size=1, recorded=1), counted(B, 41_000, size=1, recorded=1)]
    honest = [*before, counted(A, 50_000), counted(B, 51_000)]
    for lie in (0, 45_000, 99_000):
        found = bracket(2, [*honest, counted(C, lie), counted(C, lie, size=1, recorded=1)], 2)
        assert found.not_before is not None and found.not_after is not None
        assert found.not_before <= 41 and found.not_after >= 50


def test_exclusions_and_empty_brackets() -> None:
    found = bracket(2, [counted(A, 50_000, recorded=1), counted(B, 10_000)], 1)
    assert found.is_empty and len(found.exclusions) == 1
    assert not bracket(2, [counted(A, 50_000, recorded=1), counted(B, 50_000)], 1).exclusions
    assert not bracket(2, [], 1).is_empty


def test_a_time_outside_by_more_than_the_tolerance() -> None:
    found = bracket(2, [counted(A, 10 * SECOND, recorded=1), counted(A, 20 * SECOND)], 1)
    assert found.not_after == 10_000
    for time, excluded in ((5 * SECOND, False), (5 * SECOND - 1, True), (15 * SECOND, False), (15 * SECOND + 1, True)):
        assert found.excludes(time, 5 * SECOND) is excluded


def test_times_beyond_the_calendar_bound_nothing() -> None:
    found = bracket(2, [counted(A, 10_000, accuracy_us=10**30, recorded=1)], 1)
    assert (found.not_before, found.not_after) == (None, None)
