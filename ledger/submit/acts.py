"""An act of casework on its way into the log: drafted by pure rules, committed like any submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.commit.batch import Sequenced, StaleError
from ledger.commit.prepared import new_chain, prepare
from ledger.commit.sequencer import Sequencer
from ledger.entry.canonical_json import Value
from ledger.errors import ConflictError
from ledger.store.log_rows import Projection

__all__ = ["DECISIONS", "Act", "Acting", "Projector", "new_chain"]

DECISIONS = 20
"""How often an act is decided anew because its case moved on meanwhile; beyond that the case is busy (409)."""

Projector: TypeAlias = Callable[[int, str, str, Mapping[str, Value]], tuple[Projection, ...]]
"""The rows for people that an entry makes: from its index, its chain, its kind and its fields."""


@dataclass(frozen=True, slots=True)
class Act:
    """An entry that a rule decided on: its chain, kind and fields.

    `expected_acts`: how many acts its chain had when it was decided. If there are more by now, it is refused
    (ledger.commit.batch.StaleError), and whoever decided decides again.
    """

    chain: str
    kind: str
    fields: Mapping[str, Value]
    expected_acts: int


class Acting:
    """Appends what rules decide."""

    def __init__(self, sequencer: Sequencer, project: Projector) -> None:
        self._sequencer = sequencer
        self._project = project

    def act(self, decide: Callable[[], Sequence[Act]]) -> list[Sequenced]:
        """Append the acts that `decide` gives; they stand or fall together. None: nothing is appended.

        `decide` reads the state and raises its refusals; it is asked again where others acted meanwhile. Of two who
        act at once one wins, and the other is decided anew on what the first one did. Raises ConflictError where that
        never ends, and what `Sequencer.append` raises.
        """
        for _ in range(DECISIONS):
            acts = decide()
            if not acts:
                return []
            try:
                return self._append(acts)
            except StaleError:
                continue
        raise ConflictError("act in a case: the case keeps changing; try again")

    def _append(self, acts: Sequence[Act]) -> list[Sequenced]:
        return self._sequencer.append(
            [
                prepare(
                    act.chain,
                    act.kind,
                    act.fields,
                    projections=self._project(0, act.chain, act.kind, act.fields),
                    expected_acts=act.expected_acts,
                )
                for act in acts
            ]
        )
