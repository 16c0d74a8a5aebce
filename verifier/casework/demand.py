"""A demand: what was asked, what happened to it since, and what became of each name (docs/spec/casework.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.canonical_json import Json
from verifier.casework.act import Act
from verifier.casework.item import DISCLOSED, FILE, LAPSED, REFUSED, RULED, Item
from verifier.casework.judged import Judged, State, judge, judge_physical
from verifier.field_name import is_field_name
from verifier.receipt_number import number_of

DEMANDED = "metadata.demanded"
ALL = "all"
WILDCARD = ".*"
OBJECTS = ("fields", "file", "original", "inspection")
# The state that an answer or a ruling leaves a demand in.
_ANSWERS = {kind: kind for kind in ("disclosed", "partly", "not_held", "produced_later")}
_RULINGS = {"disclose": "ordered", "uphold-refusal": "upheld"}


@dataclass(frozen=True)
class Demand:
    """A demand that was proven. `fields`: what was asked for, `all`, or None where its own fields are closed or wrong.

    `state` is one of casework.md; `events`: the acts that answer it; `answers`: one for each name, ascending.
    """

    act: Act
    evidence: int
    object: str | None
    fields: tuple[str, ...] | str | None
    state: str
    events: tuple[Act, ...]
    answers: tuple[Judged, ...]

    @property
    def grounds(self) -> str | None:
        """Why, in the words of who demanded."""
        return self.act.text("demand.grounds")

    @property
    def due_at(self) -> str | None:
        """When the answer was due, as the demand's entry says."""
        return self.act.moment("demand.due_at")

    @property
    def due_basis(self) -> str | None:
        """Where that term comes from."""
        return self.act.text("demand.due_basis")

    def to_json(self) -> dict[str, Json]:
        """The demand as an object of the program's JSON, without its answers."""
        fields: Json = [*self.fields] if isinstance(self.fields, tuple) else self.fields
        return {
            "id": self.act.number,
            "number": number_of(self.evidence),
            "object": self.object,
            "fields": fields,
            "grounds": self.grounds,
            "by": self.act.by,
            "time": self.act.time,
            "not_before": self.act.not_before,
            "not_after": self.act.not_after,
            "due_at": self.due_at,
            "due_basis": self.due_basis,
            "state": self.state,
            "events": [event_json(act) for act in self.events],
        }

    def answers_json(self) -> dict[str, Json]:
        """What became of each name: name → its state."""
        return {judged.name: judged.to_json() for judged in self.answers}


def event_json(act: Act) -> dict[str, Json]:
    """An act as an object of the program's JSON: which, what, when (claimed), by whom."""
    return {"number": act.number, "kind": act.kind, "time": act.time, "by": act.by}


def demand_of(act: Act, item: Item) -> Demand:
    """The demand that an act is."""
    events = item.replies_to(act, DISCLOSED, REFUSED, RULED, LAPSED)
    demanded = act.text("demand.object")
    fields = _fields(act, demanded)
    answers = _judge_all(item, demanded, fields, events)
    known = demanded if demanded in OBJECTS else None
    return Demand(act, item.index, known, fields, _state(events), events, answers)


def is_pattern(name: str) -> bool:
    """Whether a text can stand in a demand: a field name, or a prefix that ends in `.*`."""
    return is_field_name(name.removesuffix(WILDCARD))


def _fields(act: Act, demanded: str | None) -> tuple[str, ...] | str | None:
    if demanded not in OBJECTS:
        return None
    if demanded != "fields":
        return ()
    if act.values.get("demand.fields") == ALL:
        return ALL
    names = act.names("demand.fields")
    return names if names and all(is_pattern(name) for name in names) else None


def _judge_all(
    item: Item, demanded: str | None, fields: tuple[str, ...] | str | None, events: Sequence[Act]
) -> tuple[Judged, ...]:
    if demanded == FILE:
        return (judge(item, FILE, events),)
    if demanded in ("original", "inspection"):
        return (judge_physical(demanded, events),)
    if fields is None:
        return ()
    names: set[str] = set(item.names) if fields == ALL else set()
    for asked in fields if isinstance(fields, tuple) else ():
        if asked.endswith(WILDCARD):
            # A prefix under which nothing was committed stands for itself: that there is nothing is proven.
            names |= {name for name in item.names if name.startswith(asked[:-1])} or {asked}
        else:
            names.add(asked)
    return tuple(judge(item, name, events) for name in sorted(names))


def _state(events: Sequence[Act]) -> str:
    """The state that the last act leaves; neither a refusal nor a lapse undoes a ruling."""
    state, ruled = "asked", False
    for act in events:
        if act.kind == DISCLOSED:
            state = _ANSWERS.get(act.text("answer.kind") or "", state)
        elif act.kind == RULED:
            found = _RULINGS.get(act.text("ruling.order") or "")
            state, ruled = found or state, ruled or found is not None
        elif not ruled:
            state = "refused" if act.kind == REFUSED else "lapsed"
    return state


def is_settled(demand: Demand) -> bool:
    """Whether what was demanded could be read, and each name has its answer."""
    return demand.fields is not None and all(judged.state.is_settled for judged in demand.answers)


def count_of(demand: Demand, *states: State) -> int:
    """How many names are in one of some states."""
    return sum(judged.state in states for judged in demand.answers)
