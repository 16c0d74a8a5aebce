"""Entries that bear on an answer and that it does not show (docs/spec/casework.md, "What an answer does not show")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.canonical_json import Json, is_int
from verifier.casework.challenge import ADMITTED, CHALLENGED
from verifier.casework.item import (
    CHALLENGE_ANSWERED,
    CHALLENGE_RULED,
    DISCLOSED,
    ERASED,
    LAPSED,
    REFUSED,
    REPLIES,
    RULED,
)
from verifier.commitment import BadCommitment, Disclosure, check
from verifier.errors import StepFailed, Unreadable
from verifier.evidence import Entry
from verifier.examination import RELATION, Examination
from verifier.interface import fetch_case_bundle
from verifier.leaf import Leaf
from verifier.receipt_number import number_of
from verifier.server import Server, Unreachable

REVEALED = "evidence.revealed"
BEARING = frozenset(
    (
        DISCLOSED,
        REFUSED,
        RULED,
        LAPSED,
        ERASED,
        REVEALED,
        CHALLENGED,
        ADMITTED,
        CHALLENGE_ANSWERED,
        CHALLENGE_RULED,
    )
)
# What of an entry must be open before it can be judged: closing one would undo the entry as well as hiding it.
_TOLD = {
    DISCLOSED: ("answer.kind", "answer.fields"),
    RULED: ("ruling.order", "ruling.fields"),
    ERASED: ("erasure.fields",),
}


@dataclass(frozen=True)
class Found:
    """An entry of the case's chain as the log has it: its index and its leaf."""

    index: int
    leaf: Leaf


@dataclass(frozen=True)
class Unshown:
    """An entry that the log has and the answer does not show. `reason`: how that is known, in words."""

    index: int
    kind: str
    reason: str

    @property
    def sentence(self) -> str:
        """The entry in words."""
        entry = f"the log has an entry {self.index} of kind {self.kind} in this case's chain"
        return f"{entry} that the answer does not show ({self.reason})"

    def to_json(self) -> dict[str, Json]:
        """The entry as an object of the program's JSON."""
        return {"index": self.index, "number": number_of(self.index), "kind": self.kind, "reason": self.reason}


def bears(leaf: Leaf) -> bool:
    """Whether an entry could change what an answer says; nobody can say that an unknown kind could not."""
    return leaf.kind in BEARING or not leaf.known_kind


def unshown_among(found: Sequence[Found], examination: Examination, demand: int, server: Server) -> tuple[Unshown, ...]:
    """Those of `found`, entries that bear on an answer to the demand, that the server's bundle does not show.

    Those that are not in the bundle at all are looked up in the case's, for they may be about other evidence.
    """
    shown = {entry.index: entry for entry in examination.evidence.entries if entry in examination.proven}
    size = examination.checkpoint.size if examination.checkpoint is not None else 0
    unshown = [
        Unshown(each.index, each.leaf.kind, f"it is shown without {', '.join(closed)}")
        for each in found
        if each.index in shown and (closed := _closed(examination, shown[each.index], each.leaf.kind, demand))
    ]
    missing = [each for each in found if each.index not in shown]
    if missing:
        subjects = _subjects_in_case(missing, examination, server)
        own = examination.evidence.subject.index if examination.evidence.subject is not None else None
        for each in missing:
            if each.index not in subjects:
                unshown.append(Unshown(each.index, each.leaf.kind, _absent(each.index, size)))
            elif subjects[each.index] == own:
                unshown.append(Unshown(each.index, each.leaf.kind, "it is about this evidence"))
    return tuple(sorted(unshown, key=lambda each: each.index))


def _absent(index: int, size: int) -> str:
    if index >= size:
        return "it was recorded after the answer's bundle was made; asking again may show it"
    return "that it is about other evidence is not shown either"


def _closed(examination: Examination, entry: Entry, kind: str, demand: int) -> list[str]:
    """The names that are closed and without which an entry in the server's bundle cannot be judged."""
    disclosure = examination.disclosures.get(entry)
    if disclosure is None:
        return [RELATION]
    relation = REPLIES.get(kind)
    needed = [RELATION, *([relation] if relation is not None else [])]
    if relation is None or disclosure.values.get(relation) == demand:
        needed += _TOLD.get(kind, ())
    return [name for name in needed if name in disclosure.names and name not in disclosure.values]


def _subjects_in_case(missing: Sequence[Found], examination: Examination, server: Server) -> Mapping[int, int | None]:
    """What the case's bundle proves each entry to be about: its index → the evidence's index, None for none."""
    try:
        evidence = fetch_case_bundle(server, missing[0].leaf.chain)
    except (Unreachable, Unreadable, StepFailed):
        return {}
    given = {entry.index: entry for entry in evidence.entries}
    subjects: dict[int, int | None] = {}
    for each in missing:
        entry = given.get(each.index)
        disclosure = _disclosure(entry, each) if entry is not None else None
        if disclosure is None:
            continue
        value = disclosure.values.get(RELATION)
        if RELATION not in disclosure.names:
            subjects[each.index] = None
        elif isinstance(value, int) and is_int(value):
            subjects[each.index] = value
    return subjects


def _disclosure(entry: Entry, found: Found) -> Disclosure | None:
    """What an entry opens of the commitment in the log's leaf: that leaf is proven, so nothing else has to be."""
    if found.leaf.fields is None:
        return None
    try:
        return check(found.leaf.fields, entry.hashes, entry.openings, None)
    except BadCommitment:
        return None
