"""The grown log beside the reference: requests by turns in one process, starts and memory in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.comparison import Figures, Outcome, tabulate
from benchmarks.growth.probe import MEMORY, START, Job, run_probe

ROUNDS: Final = 3

OPENING_REQUESTS: Final = 10
"""Of each kind, in a process that is there to be started and weighed."""

_GROWN: Final = "grown log"
_REFERENCE: Final = "reference"


def ask(name: str, title: str, grown: Path, reference: Path, requests: int) -> Outcome:
    """What both answered, round by round; the reference is the peer."""
    taken: dict[str, list[Figures]] = {_GROWN: [], _REFERENCE: []}
    for _ in range(ROUNDS):
        both = run_probe(Job([str(grown), str(reference)], requests))
        for who, data, figures in zip(taken, (grown, reference), both, strict=True):
            (alone,) = run_probe(Job([str(data)], OPENING_REQUESTS))
            taken[who].append({**figures, START: alone[START], MEMORY: alone[MEMORY]})
    return tabulate(name, title, taken, {_REFERENCE})
