"""Challenge evidence or admit it, answer a challenge, rule on it: pure decisions (docs/spec/casework.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.casework.people import Actor
from ledger.casework.state import ChallengeState, EvidenceState
from ledger.casework.texts import check_optional, check_text
from ledger.casework.transitions import CHALLENGE, move, permit
from ledger.entry.canonical_json import Value
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError, place_of

HEADS: Final = ("author", "completeness", "content", "copy", "source", "time")
"""In what a piece of evidence is said not to be what it is said to be."""

RULINGS: Final = ("upheld", "dismissed")


def decide_challenge(
    state: EvidenceState, actor: Actor, heads: Sequence[str], fields: Sequence[str], grounds: str
) -> list[Act]:
    """`authenticity.challenged`, by any side but the submitter's."""
    permit("challenge", state.role_of(actor))
    if not heads or any(head not in HEADS for head in heads):
        raise UnacceptableError(f"challenge: expected at least one head among {', '.join(HEADS)}", "heads")
    check_text(grounds, "challenge", "grounds")
    said: dict[str, Value] = {
        "challenge.fields": _committed(state, fields, "challenge"),
        "challenge.grounds": grounds,
        "challenge.heads": sorted(set(heads)),
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "authenticity.challenged", said, state.case.acts)]


def decide_admission(state: EvidenceState, actor: Actor, fields: Sequence[str], grounds: str | None) -> list[Act]:
    """`authenticity.admitted`, wholly or for some fields, by any side but the submitter's."""
    permit("admit", state.role_of(actor))
    said: dict[str, Value] = {
        "challenge.fields": _committed(state, fields, "admit"),
        "challenge.grounds": check_optional(grounds, "admit", "grounds"),
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "authenticity.admitted", said, state.case.acts)]


def _committed(state: EvidenceState, fields: Sequence[str], act: str) -> list[str]:
    if isinstance(fields, str):
        raise UnacceptableError(f"{act}: expected a list of names", "fields")
    for name in fields:
        if name not in state.names:
            raise UnacceptableError(f"{act}: it was never committed", place_of("fields", str(name)))
    return sorted(set(fields))


def decide_answer(state: ChallengeState, actor: Actor, text: str) -> list[Act]:
    """`challenge.answered`, by the submitter's side."""
    move(CHALLENGE, "answer", state.row.state, state.evidence.role_of(actor))
    said: dict[str, Value] = {**_about(state, actor), "answer.text": check_text(text, "answer a challenge", "text")}
    return [Act(state.row.chain, "challenge.answered", said, state.evidence.case.acts)]


def decide_challenge_ruling(state: ChallengeState, actor: Actor, order: str, reason: str) -> list[Act]:
    """`challenge.ruled`, by the case's court."""
    if order not in RULINGS:
        raise UnacceptableError(f"rule: expected an order among {', '.join(RULINGS)}", "order")
    act = "uphold" if order == "upheld" else "dismiss"
    move(CHALLENGE, act, state.row.state, state.evidence.role_of(actor))
    check_text(reason, "rule", "reason")
    said: dict[str, Value] = {**_about(state, actor), "ruling.order": order, "ruling.reason": reason}
    return [Act(state.row.chain, "challenge.ruled", said, state.evidence.case.acts)]


def _about(state: ChallengeState, actor: Actor) -> dict[str, Value]:
    return {
        "relation.challenge": state.row.index,
        "relation.entry": state.row.entry,
        "submitter.name": actor.name,
    }
