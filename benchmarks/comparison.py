"""Contenders run in turn, and what came of it: figures by round, and ratios within rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

Figures: TypeAlias = Mapping[str, float]
"""What one round gave, by metric; the metric's name is its unit: `entries/s`, `p99 ms`."""


class SkippedError(Exception):
    """The benchmark cannot run here; the message is the reason, for the result."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Something measured: `run` does one round of work and gives its figures. Others are held against a `peer`."""

    name: str
    run: Callable[[], Figures]
    peer: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One contender's figures in one metric, a figure for each round."""

    name: str
    peer: bool
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One contender's figure divided by a peer's of the same round."""

    of: str
    to: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A benchmark's result, or why there is none (`skipped`), and how long it all took."""

    name: str
    title: str
    metrics: Mapping[str, Sequence[Series]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    skipped: str | None = None
    seconds: float = 0.0

    def ratios(self, metric: str) -> list[Ratio]:
        """Each contender that is no peer, divided by each peer, round by round."""
        series = self.metrics[metric]
        return [
            Ratio(ours.name, peer.name, tuple(a / b for a, b in zip(ours.rounds, peer.rounds, strict=True)))
            for ours in series
            if not ours.peer
            for peer in series
            if peer.peer
        ]


def compare(
    name: str,
    title: str,
    contenders: Sequence[Contender],
    rounds: int,
    notes: Sequence[str] = (),
    *,
    warm_up: bool = True,
) -> Outcome:
    """Run all contenders `rounds` times in turn, A B A B; before that once for warmth, uncounted, unless they warm
    up by themselves.
    """
    taken: dict[str, list[Figures]] = {contender.name: [] for contender in contenders}
    if len(taken) != len(contenders):
        raise ValueError(f"compare {name}: two contenders of one name")
    for number in range(0 if warm_up else 1, rounds + 1):
        for contender in contenders:
            figures = contender.run()
            if number:
                taken[contender.name].append(figures)
    return tabulate(name, title, taken, {contender.name for contender in contenders if contender.peer}, notes)


def tabulate(
    name: str, title: str, taken: Mapping[str, Sequence[Figures]], peers: Set[str], notes: Sequence[str] = ()
) -> Outcome:
    """The outcome of rounds that were run: by contender, the figures of each."""
    metrics = {
        metric: [
            Series(who, who in peers, tuple(figures[metric] for figures in rounds)) for who, rounds in taken.items()
        ]
        for metric in next(iter(taken.values()))[0]
    }
    return Outcome(name, title, metrics, notes)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
