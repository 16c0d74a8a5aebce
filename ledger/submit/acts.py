"""An act of casework on its way into the log: drafted by pure rules, committed like any submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.commit.batch import Sequenced
from ledger.commit.prepared import prepare
from ledger.commit.sequencer import Sequencer
from ledger.entry.canonical_json import Value
from ledger.store.contracts import Projection


@dataclass(frozen=True, slots=True)
class Act:
    """An entry that a rule decided on: its chain, kind and fields, and rows for people.

    `expected_acts`: how many acts (entries that are not anchored evidence) its chain had when it was decided. If there
    are more by now, it is refused (ledger.commit.batch.StaleError), and whoever decided decides again.
    """

    chain: str
    kind: str
    fields: Mapping[str, Value]
    expected_acts: int
    projections: tuple[Projection, ...] = ()


def append_acts(sequencer: Sequencer, acts: Sequence[Act]) -> list[Sequenced]:
    """Append acts that stand or fall together. Raises what `Sequencer.append` raises."""
    return sequencer.append(
        [
            prepare(act.chain, act.kind, act.fields, projections=act.projections, expected_acts=act.expected_acts)
            for act in acts
        ]
    )
