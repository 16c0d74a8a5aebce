"""A piece of evidence that acts are about: what it committed, what of it is open, and what was erased."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from verifier.canonical_json import Json
from verifier.casework.act import Act
from verifier.check import Check, Outcome
from verifier.evidence import Entry
from verifier.examination import Examination
from verifier.leaf import ANCHORED

FILE = "file"  # in lists of names: the file's bytes (docs/spec/casework.md)
ERASED = "opening.erased"
DISCLOSED = "metadata.disclosed"
REFUSED = "demand.refused"
RULED = "demand.ruled"
LAPSED = "demand.lapsed"
CHALLENGE_ANSWERED = "challenge.answered"
CHALLENGE_RULED = "challenge.ruled"
# The kinds that reply to another act, and the field that names it.
REPLIES = {
    **dict.fromkeys((DISCLOSED, REFUSED, RULED, LAPSED), "relation.demand"),
    **dict.fromkeys((CHALLENGE_ANSWERED, CHALLENGE_RULED), "relation.challenge"),
}


@dataclass(frozen=True)
class Item:
    """`names`: all that were committed. `values`: the open ones. `acts`: those about it, ascending by index.

    `has_file`: the file at hand is the committed one. An evidence of thousands of acts is still read once, so replies
    and erasures are sorted out beforehand: `replies`: index of an act → those that reply to it; `erasures`: name → the
    first act that erased it.
    """

    index: int
    names: frozenset[str]
    values: Mapping[str, Json]
    acts: Sequence[Act]
    replies: Mapping[int, tuple[Act, ...]]
    erasures: Mapping[str, Act]
    has_file: bool

    def of(self, *kinds: str) -> list[Act]:
        """The acts of some kinds, ascending by index."""
        return [act for act in self.acts if act.kind in kinds]

    def replies_to(self, act: Act, *kinds: str) -> tuple[Act, ...]:
        """The later acts of some kinds that name an act, ascending by index."""
        return tuple(reply for reply in self.replies.get(act.index, ()) if reply.kind in kinds)

    def erasure_of(self, name: str) -> Act | None:
        """The first act that erased a name; None while it is open all the same."""
        if name in self.values or (name == FILE and self.has_file):
            return None
        return self.erasures.get(name)


def items_of(examination: Examination, acts: Sequence[Act], checks: Iterable[Check]) -> dict[int, Item]:
    """The subject's entries that can be acted on and were proven, by index."""
    file_matches = any(check.step == 3 and check.outcome is Outcome.PASSED for check in checks)
    about: dict[tuple[str, int | None], list[Act]] = defaultdict(list)
    for act in acts:
        about[act.chain, act.evidence].append(act)
    items: dict[int, Item] = {}
    for entry in examination.subjects():
        if entry.index is None or entry not in examination.proven or entry not in examination.disclosures:
            continue
        disclosure = examination.disclosures[entry]
        own = about.get((examination.leaves[entry].chain, entry.index), [])
        items[entry.index] = Item(
            entry.index,
            frozenset(disclosure.names),
            disclosure.values,
            own,
            _replies(own),
            _erasures(own),
            file_matches and _at_hand(examination, entry),
        )
    return items


def _replies(acts: Iterable[Act]) -> dict[int, tuple[Act, ...]]:
    replies: dict[int, list[Act]] = defaultdict(list)
    for act in acts:
        named = act.earlier(REPLIES[act.kind]) if act.kind in REPLIES else None
        if named is not None:
            replies[named].append(act)
    return {index: tuple(found) for index, found in replies.items()}


def _erasures(acts: Iterable[Act]) -> dict[str, Act]:
    erasures: dict[str, Act] = {}
    for act in acts:
        if act.kind == ERASED:
            for name in act.names("erasure.fields") or ():
                erasures.setdefault(name, act)
    return erasures


def _at_hand(examination: Examination, entry: Entry) -> bool:
    inside = entry.index is not None and bool(examination.evidence.files.get(entry.index))
    return examination.leaves[entry].kind == ANCHORED and (inside or examination.file is not None)
