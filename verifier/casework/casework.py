"""All casework that a bundle's proven entries show, as a value and as members of the program's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verifier.canonical_json import Json
from verifier.casework.act import Act, acts_of
from verifier.casework.challenge import Challenge, challenges_of
from verifier.casework.demand import DEMANDED, Demand, demand_of
from verifier.casework.item import ERASED, FILE, Item, items_of
from verifier.check import Check
from verifier.examination import Examination
from verifier.receipt_number import number_of


@dataclass(frozen=True)
class Erasure:
    """An erasure. `fields`: the names it gives; `intact`: those of them that are committed and no longer open."""

    act: Act
    evidence: int
    fields: tuple[str, ...]
    intact: tuple[str, ...]

    @property
    def order(self) -> str | None:
        """The order, and who made it, as the entry says."""
        return self.act.text("erasure.order")

    def to_json(self) -> dict[str, Json]:
        """The erasure as an object of the program's JSON."""
        return {
            "id": self.act.number,
            "number": number_of(self.evidence),
            "fields": list(self.fields),
            "order": self.order,
            "by": self.act.by,
            "time": self.act.time,
            "not_before": self.act.not_before,
            "not_after": self.act.not_after,
        }


@dataclass(frozen=True)
class Casework:
    """Demands, challenges and admissions, and erasures; each ascending by index."""

    demands: tuple[Demand, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    erasures: tuple[Erasure, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The three members of the program's JSON."""
        return {
            "demands": [{**demand.to_json(), "answers": demand.answers_json()} for demand in self.demands],
            "challenges": [challenge.to_json() for challenge in self.challenges],
            "erasures": [erasure.to_json() for erasure in self.erasures],
        }

    def erased(self, evidence: int | None) -> dict[str, Erasure]:
        """The names of one piece of evidence that were erased: name → the erasure."""
        return {
            name: erasure
            for erasure in reversed(self.erasures)
            if erasure.evidence == evidence
            for name in erasure.intact
        }


def casework_of(examination: Examination, checks: Iterable[Check]) -> Casework:
    """The casework of an examination whose steps have been taken."""
    items = items_of(examination, acts_of(examination), checks).values()
    demands = [demand_of(act, item) for item in items for act in item.of(DEMANDED)]
    challenges = [challenge for item in items for challenge in challenges_of(item)]
    erasures = [_erasure(act, item) for item in items for act in item.of(ERASED)]
    return Casework(
        tuple(sorted(demands, key=lambda demand: demand.act.index)),
        tuple(sorted(challenges, key=lambda challenge: challenge.act.index)),
        tuple(sorted(erasures, key=lambda erasure: erasure.act.index)),
    )


def _erasure(act: Act, item: Item) -> Erasure:
    fields = act.names("erasure.fields") or ()
    intact = tuple(name for name in fields if (name in item.names or name == FILE) and item.erasure_of(name) is act)
    return Erasure(act, item.index, fields, intact)
