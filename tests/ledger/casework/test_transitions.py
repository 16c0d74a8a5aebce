"""Every act on a demand, a challenge and a request for standing, by everybody, in every state: as the table says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from ledger.casework.cases import CaseState
from ledger.casework.challenges import decide_answer, decide_challenge_ruling
from ledger.casework.demands import Answer, decide_disclosure, decide_lapse, decide_refusal, decide_ruling
from ledger.casework.people import Actor
from ledger.casework.projection import project
from ledger.casework.standing import decide_standing
from ledger.casework.state import ChallengeState, DemandState, EvidenceState, StandingState
from ledger.casework.transitions import (
    CHALLENGE,
    CHALLENGE_STATES,
    COURT,
    DEMAND,
    DEMAND_FINAL,
    DEMAND_STATES,
    OFFICE,
    PERMITTED,
    SIDE,
    STANDING,
    STANDING_STATES,
    SUBMITTER,
    Table,
)
from ledger.casework.transitions import MEMBERS as MEMBER_ROLES
from ledger.errors import ConflictError, ForbiddenError, NotFoundError
from ledger.store.case_rows import ChallengeRow, DemandRow, StandingRow, StateChange
from ledger.store.log_rows import CaseRow, EvidenceRow, MemberRow
from ledger.submit.acts import Act
from tests.architecture.sources import ROOT

CHAIN = "0a" * 16
DUE = 1_000
MEMBERS = tuple(
    MemberRow(CHAIN, name, role, side, at)
    for at, (name, role, side) in enumerate(
        [("alice", "party", "party"), ("partner", "party", "party"), ("bob", "opposing", "opposing"),
         ("third", "third", "third:third"), ("judge", "court", ""), ("notary", "notary", "")]
    )
)  # fmt: skip
ACTORS = {
    "alice": SUBMITTER, "partner": SUBMITTER, "bob": SIDE, "third": SIDE, "judge": COURT, "notary": OFFICE, "eve": None,
}  # fmt: skip

Do = Callable[[Actor], list[Act]]


def evidence() -> EvidenceState:
    case = CaseState(CaseRow(CHAIN, "t", "alice", 0), MEMBERS, 9, 7)
    row = EvidenceRow(5, CHAIN, "alice", bytes(32), 3, True)
    fields = {"declared.author": "X", "system.policy": {}}
    return EvidenceState(case, row, fields, tuple(fields), frozenset(), (), ())


def demand_acts(state: str) -> dict[str, Do]:
    demand = DemandState(
        evidence(), DemandRow(6, CHAIN, 5, "bob", "fields", state, DUE), ("declared.author", "system.*")
    )
    return {
        "disclosed": lambda who: decide_disclosure(demand, who, Answer()),
        "partly": lambda who: decide_disclosure(demand, who, Answer("disclosed", ("declared.author",))),
        "not_held": lambda who: decide_disclosure(demand, who, Answer("not_held", text="it burned")),
        "produced_later": lambda who: decide_disclosure(demand, who, Answer("produced_later")),
        "refuse": lambda who: decide_refusal(demand, who, "private"),
        "order disclosure": lambda who: decide_ruling(demand, who, "disclose", "relevant", None),
        "uphold refusal": lambda who: decide_ruling(demand, who, "uphold-refusal", "private", None),
    }


def challenge_acts(state: str) -> dict[str, Do]:
    challenge = ChallengeState(evidence(), ChallengeRow(6, CHAIN, 5, "bob", state))
    return {
        "answer": lambda who: decide_answer(challenge, who, "it is genuine"),
        "uphold": lambda who: decide_challenge_ruling(challenge, who, "upheld", "cut"),
        "dismiss": lambda who: decide_challenge_ruling(challenge, who, "dismissed", "whole"),
    }


def standing_acts(state: str) -> dict[str, Do]:
    asked = StandingState(evidence(), StandingRow(6, CHAIN, 5, "newcomer", "opposing", state))
    return {
        "admit": lambda who: decide_standing(asked, who, "admit", "he is the respondent"),
        "refuse": lambda who: decide_standing(asked, who, "refuse", "who is that"),
    }


def run(table: Table, act: str, state: str, actor: str, do: Do, moves: dict[str, str] | None = None) -> None:
    """The act in that state by that actor does what the table says, and nothing else."""
    who, role = Actor(actor, "party"), ACTORS[actor]
    moves = dict(table[act].moves) if moves is None else moves
    if role is None:
        with pytest.raises(NotFoundError):
            do(who)
    elif role not in table[act].roles:
        with pytest.raises(ForbiddenError, match="may"):
            do(who)
    elif state not in moves:
        with pytest.raises(ConflictError, match=f"its state is {state} now"):
            do(who)
    else:
        acts = do(who)
        assert [each.expected_acts for each in acts] == list(range(7, 7 + len(acts)))
        rows = project(8, CHAIN, acts[0].kind, acts[0].fields)
        assert [row.state for row in rows if isinstance(row, StateChange)] == [moves[state]]
        assert acts[0].fields["submitter.name"] == actor


@pytest.mark.parametrize(("state", "actor"), list(product(DEMAND_STATES, ACTORS)))
def test_a_demand_moves_as_the_table_says(state: str, actor: str) -> None:
    acts = demand_acts(state)
    assert acts.keys() | {"lapse"} == DEMAND.keys()
    for act, do in acts.items():
        run(DEMAND, act, state, actor, do)


@pytest.mark.parametrize("state", DEMAND_STATES)
def test_a_term_lapses_where_nobody_answered_and_only_then(state: str) -> None:
    demand = DemandState(evidence(), DemandRow(6, CHAIN, 5, "bob", "fields", state, DUE), None)
    assert decide_lapse(demand, DUE - 1) == []
    assert [act.kind for act in decide_lapse(demand, DUE)] == (["demand.lapsed"] if state == "asked" else [])


@pytest.mark.parametrize(("state", "actor"), list(product((*CHALLENGE_STATES, "admitted"), ACTORS)))
def test_a_challenge_moves_as_the_table_says(state: str, actor: str) -> None:
    acts = challenge_acts(state)
    assert acts.keys() == CHALLENGE.keys()
    for act, do in acts.items():
        run(CHALLENGE, act, state, actor, do)


@pytest.mark.parametrize(("state", "actor"), list(product(STANDING_STATES, ACTORS)))
def test_a_request_moves_as_the_table_says(state: str, actor: str) -> None:
    acts = standing_acts(state)
    assert acts.keys() | {"admit after refusal"} == STANDING.keys()
    for act, do in acts.items():
        if actor == "partner" and state in STANDING[act].moves:
            with pytest.raises(ForbiddenError, match="only who submitted the evidence"):  # the side is not enough
                do(Actor(actor, "party"))
            continue
        moves = dict(STANDING[act].moves)
        if act == "admit" and actor == "judge":
            moves |= STANDING["admit after refusal"].moves
        run(STANDING, act, state, actor, do, moves)


def test_every_state_is_reached_and_the_final_ones_are_left_by_nothing() -> None:
    for table, states, first in (
        (DEMAND, DEMAND_STATES, "asked"),
        (CHALLENGE, CHALLENGE_STATES, "open"),
        (STANDING, STANDING_STATES, "asked"),
    ):
        reached = {first} | {to for rule in table.values() for to in rule.moves.values()}
        assert reached == set(states)
    assert {state for rule in DEMAND.values() for state in rule.moves}.isdisjoint(DEMAND_FINAL)


def rendered(table: Table, states: tuple[str, ...]) -> list[str]:
    """A table as docs/casework.md shows it: acts down, states across, what follows in the cells."""
    lines = ["| act | by | " + " | ".join(f"`{state}`" for state in states) + " |", "|---" * (len(states) + 2) + "|"]
    for act, rule in table.items():
        cells = [f"`{rule.moves[state]}`" if state in rule.moves else "409" for state in states]
        lines.append(f"| {act} | {', '.join(rule.roles)} | " + " | ".join(cells) + " |")
    return lines


@pytest.mark.parametrize(
    ("table", "states"), [(DEMAND, DEMAND_STATES), (CHALLENGE, CHALLENGE_STATES), (STANDING, STANDING_STATES)]
)
def test_the_document_shows_the_table(table: Table, states: tuple[str, ...]) -> None:
    lines = (ROOT / "docs" / "casework.md").read_text(encoding="utf-8").splitlines()
    wanted = rendered(table, states)
    assert wanted[0] in lines, "\n".join(wanted)
    start = next(at for at, line in enumerate(lines) if lines[at : at + len(wanted)] == wanted or line == wanted[0])
    assert lines[start : start + len(wanted)] == wanted, "\n".join(wanted)


def test_the_document_shows_who_may_do_what_to_evidence() -> None:
    lines = (ROOT / "docs" / "casework.md").read_text(encoding="utf-8").splitlines()
    wanted = ["| act | submitter | side | court | office |", "|---|---|---|---|---|"]
    for act, roles in PERMITTED.items():
        wanted.append(f"| {act} | " + " | ".join("yes" if role in roles else "403" for role in MEMBER_ROLES) + " |")
    assert wanted[0] in lines, "\n".join(wanted)
    start = lines.index(wanted[0])
    assert lines[start : start + len(wanted)] == wanted, "\n".join(wanted)
