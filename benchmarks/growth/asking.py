"""The grown log beside the reference: requests by turns in one process, starts and memory in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.comparison import Figures, Outcome, Series
from benchmarks.growth.probe import MEMORY, REQUESTS, START, Job, metric_of, run_probe

ROUNDS: Final = 3

OPENING_REQUESTS: Final = 10
"""Of each kind, in a process that is there to be started and weighed."""


def ask(name: str, title: str, grown: Path, reference: Path, requests: int) -> Outcome:
    """What both answered, round by round; the reference is the peer."""
    both: list[tuple[Figures, Figures]] = []
    for _ in range(ROUNDS):
        ours, peers = run_probe(Job([str(grown), str(reference)], requests))
        (alone,), (alone_too,) = (run_probe(Job([str(data)], OPENING_REQUESTS)) for data in (grown, reference))
        weighed = [{metric: figures[metric] for metric in (START, MEMORY)} for figures in (alone, alone_too)]
        both.append(({**ours, **weighed[0]}, {**peers, **weighed[1]}))
    metrics = {
        metric: [
            Series("grown log", False, tuple(ours[metric] for ours, _ in both)),
            Series("reference", True, tuple(peers[metric] for _, peers in both)),
        ]
        for metric in [*map(metric_of, REQUESTS), START, MEMORY]
    }
    return Outcome(name, title, metrics)
