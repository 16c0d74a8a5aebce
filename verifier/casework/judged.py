"""What became of each name that a demand asked for (docs/spec/casework.md, "What was demanded, what came back")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from verifier.canonical_json import Json
from verifier.casework.act import Act
from verifier.casework.item import DISCLOSED, FILE, LAPSED, REFUSED, RULED, Item


class State(StrEnum):
    """What became of a name; the values are those of the program's JSON."""

    OPENED = "opened"
    ABSENT = "absent"
    NEVER_COMMITTED = "never committed"
    REFUSED = "refused"
    ERASED = "erased"
    ORDERED = "ordered"
    CLOSED = "closed"

    @property
    def is_settled(self) -> bool:
        """Whether the name has its answer: it is neither merely closed nor closed against an order."""
        return self not in (State.CLOSED, State.ORDERED)


class Reason(StrEnum):
    """Why a name is closed that nobody refused; the values are those of the program's JSON."""

    SAID_OPENED = "an answer says it was opened, and it is not open here"
    NOT_HELD = "the answer is that it is not held"
    PRODUCED_LATER = "an entry committed after the demand was given instead, which cannot be the answer"
    LAPSED = "the term has passed without an answer"
    NOT_CHECKABLE = "nothing in a bundle can show that it was done"


@dataclass(frozen=True)
class Judged:
    """A name, its state, its value where open; why it is not (a party's words or a Reason) and the act that says so."""

    name: str
    state: State
    value: Json = None
    reason: str | Reason | None = None
    act: Act | None = None

    def to_json(self) -> dict[str, Json]:
        """The name's state as an object of the program's JSON."""
        has_value = self.state is State.ABSENT or self.value is not None  # the file's bytes are opened and not shown
        value: dict[str, Json] = {"value": self.value} if has_value else {}
        reason: dict[str, Json] = {"reason": str(self.reason)} if self.reason is not None else {}
        entry: dict[str, Json] = {"entry": self.act.number} if self.act is not None else {}
        return {"state": self.state.value, **value, **reason, **entry}


def judge(item: Item, name: str, answers: Sequence[Act]) -> Judged:
    """The state of one name. `answers`: the acts that answer the demand, ascending by index.

    A name that is open is open whatever was said of it. An erasure outlasts a refusal: there is nothing left to refuse.
    """
    if name in item.values:
        value = item.values[name]
        return Judged(name, State.ABSENT if value is None else State.OPENED, value)
    if name not in item.names and name != FILE:
        return Judged(name, State.NEVER_COMMITTED)
    if name == FILE and name not in item.names and item.has_file:
        return Judged(name, State.OPENED)
    erasure = item.erasure_of(name)
    if erasure is not None:
        return Judged(name, State.ERASED, reason=erasure.text("erasure.order"), act=erasure)
    return _withheld(name, answers)


def judge_physical(demanded: str, answers: Sequence[Act]) -> Judged:
    """An `original` or an `inspection`: it can be refused or ordered; that it was given shows in no bundle."""
    found = _withheld(demanded, answers)
    if found.state is State.CLOSED and found.reason in (None, Reason.SAID_OPENED):
        return Judged(demanded, State.CLOSED, reason=Reason.NOT_CHECKABLE, act=found.act)
    return found


def _withheld(name: str, answers: Sequence[Act]) -> Judged:
    """A committed name that is not open: what stands of refusals and rulings, else what the last answer says of it."""
    standing: Judged | None = None
    for act in answers:
        if act.kind == REFUSED and (standing is None or standing.state is not State.ORDERED):
            standing = Judged(name, State.REFUSED, reason=act.text("answer.reason"), act=act)
        elif act.kind == RULED and act.text("ruling.order") == "uphold-refusal":
            standing = Judged(name, State.REFUSED, reason=act.text("ruling.reason"), act=act)
        elif act.kind == RULED and act.text("ruling.order") == "disclose" and _covers(act, name):
            standing = Judged(name, State.ORDERED, reason=act.text("ruling.reason"), act=act)
    opened = next((act for act in reversed(answers) if _says_opened(act, name)), None)
    if opened is not None and (standing is None or standing.state is State.REFUSED):
        # A refusal is of the rest. What was opened once, and is not open here, is withheld from this reader.
        return Judged(name, State.CLOSED, reason=Reason.SAID_OPENED, act=opened)
    if standing is not None:
        return standing
    for act in reversed(answers):
        reason = _unanswered(act)
        if reason is not None:
            return Judged(name, State.CLOSED, reason=reason, act=act)
    return Judged(name, State.CLOSED)


def _covers(act: Act, name: str) -> bool:
    return name in (act.names("ruling.fields") or ()) or name in ("original", "inspection")


def _says_opened(act: Act, name: str) -> bool:
    return act.kind == DISCLOSED and name in (act.names("answer.fields") or ())


def _unanswered(act: Act) -> Reason | None:
    if act.kind == LAPSED:
        return Reason.LAPSED
    if act.kind != DISCLOSED:
        return None
    kind = act.text("answer.kind")
    return {"not_held": Reason.NOT_HELD, "produced_later": Reason.PRODUCED_LATER}.get(kind or "")
