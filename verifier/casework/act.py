"""An act: a proven entry of casework with what of it is open (docs/spec/casework.md, "Fields").

Its values were committed by whoever acted, and nothing made them well-formed: each reader of a value says what it
expects, and gets None for a value that is closed, or is something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from verifier.canonical_json import Json, is_int
from verifier.encoding import BadEncoding, time_text, time_us
from verifier.examination import RELATION, Examination
from verifier.receipt_number import MAX_INDEX, number_of

ACTOR = "submitter.name"


@dataclass(frozen=True)
class Act:
    """An entry's index, kind, chain, claimed time, open values, and the bracket that is proven for it."""

    index: int
    kind: str
    chain: str
    time: str
    values: Mapping[str, Json]
    not_before: str | None = None
    not_after: str | None = None

    @property
    def number(self) -> str:
        """The entry's receipt number."""
        return number_of(self.index)

    @property
    def by(self) -> str | None:
        """The account that acted, as the entry says."""
        return self.text(ACTOR)

    @property
    def evidence(self) -> int | None:
        """The index of the evidence that it acts on: always one before it."""
        return self.earlier(RELATION)

    def text(self, name: str) -> str | None:
        """An open text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def moment(self, name: str) -> str | None:
        """An open time of canonical-json.md."""
        text = self.text(name)
        try:
            return text if text is not None and time_us(text) is not None else None
        except BadEncoding:
            return None

    def position(self, name: str) -> int | None:
        """An open index of the log."""
        value = self.values.get(name)
        return value if isinstance(value, int) and is_int(value) and 0 <= value <= MAX_INDEX else None

    def earlier(self, name: str) -> int | None:
        """An open index of an entry before this one: nobody can act on what does not exist yet."""
        position = self.position(name)
        return position if position is not None and position < self.index else None

    def names(self, name: str) -> tuple[str, ...] | None:
        """An open list of texts, strictly ascending by bytes."""
        value = self.values.get(name)
        if not isinstance(value, list):
            return None
        texts = [item for item in value if isinstance(item, str)]
        ascending = all(before.encode() < after.encode() for before, after in pairwise(texts))
        return tuple(texts) if len(texts) == len(value) and ascending else None


def acts_of(examination: Examination) -> tuple[Act, ...]:
    """The subject's acts by ascending index: in an entry's evidence those that relate to it, else all of the case.

    An entry that is not proven to be in the log, or whose commitment did not pass step 4, is no act; nor is anything
    in a log whose signatures are refuted.
    """
    if examination.log_refuted:
        return ()
    entries = examination.subjects() if examination.evidence.case is not None else examination.related()
    acts: list[Act] = []
    for entry in entries:
        if entry.index is None or entry not in examination.proven or entry not in examination.disclosures:
            continue
        leaf, bracket = examination.leaves[entry], examination.brackets.get(entry)
        ends = (bracket.not_before, bracket.not_after) if bracket is not None else (None, None)
        times = [time_text(end) if end is not None else None for end in ends]
        values = examination.disclosures[entry].values
        acts.append(Act(entry.index, leaf.kind, leaf.chain, leaf.time, values, *times))
    return tuple(sorted(acts, key=lambda act: act.index))
