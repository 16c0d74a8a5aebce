"""Challenges and admissions of authenticity, and how they ended (docs/spec/casework.md)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.canonical_json import Json
from verifier.casework.act import Act
from verifier.casework.demand import event_json
from verifier.casework.item import CHALLENGE_ANSWERED, CHALLENGE_RULED, Item
from verifier.receipt_number import number_of

CHALLENGED = "authenticity.challenged"
ADMITTED = "authenticity.admitted"
_RULINGS = ("upheld", "dismissed")


@dataclass(frozen=True)
class Challenge:
    """A challenge or an admission. `state`: `challenged`, `answered`, `upheld`, `dismissed` or `admitted`."""

    act: Act
    evidence: int
    state: str
    events: tuple[Act, ...]

    @property
    def heads(self) -> tuple[str, ...] | None:
        """What is challenged: author, completeness, content, copy, source, time."""
        return self.act.names("challenge.heads")

    @property
    def fields(self) -> tuple[str, ...] | None:
        """Which names; none: the whole."""
        return self.act.names("challenge.fields")

    @property
    def grounds(self) -> str | None:
        """Why, in the words of who acted."""
        return self.act.text("challenge.grounds")

    @property
    def is_silent(self) -> bool:
        """Whether it says, openly, no grounds: an admission needs none."""
        return "challenge.grounds" in self.act.values and self.act.values["challenge.grounds"] is None

    def to_json(self) -> dict[str, Json]:
        """The challenge or admission as an object of the program's JSON."""
        return {
            "id": self.act.number,
            "number": number_of(self.evidence),
            "kind": self.act.kind,
            "heads": list(self.heads) if self.heads is not None else None,
            "fields": list(self.fields) if self.fields is not None else None,
            "grounds": self.grounds,
            "by": self.act.by,
            "time": self.act.time,
            "not_before": self.act.not_before,
            "not_after": self.act.not_after,
            "state": self.state,
            "events": [_event(act) for act in self.events],
        }


def challenges_of(item: Item) -> list[Challenge]:
    """All challenges and admissions of an item's authenticity, ascending by index."""
    found: list[Challenge] = []
    for act in item.of(CHALLENGED, ADMITTED):
        if act.kind == ADMITTED:
            found.append(Challenge(act, item.index, "admitted", ()))
            continue
        events = item.replies_to(act, CHALLENGE_ANSWERED, CHALLENGE_RULED)
        found.append(Challenge(act, item.index, _state(events), events))
    return found


def said(act: Act) -> str | None:
    """What an answer or a ruling says."""
    return act.text("answer.text" if act.kind == CHALLENGE_ANSWERED else "ruling.reason")


def _state(events: tuple[Act, ...]) -> str:
    """The last ruling's; without one, whether it was answered."""
    rulings = [act.text("ruling.order") for act in events if act.kind == CHALLENGE_RULED]
    known = [order for order in rulings if order in _RULINGS]
    if known:
        return str(known[-1])
    return "answered" if any(act.kind == CHALLENGE_ANSWERED for act in events) else "challenged"


def _event(act: Act) -> Json:
    return {**event_json(act), "text": said(act)}
