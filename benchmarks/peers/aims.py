"""What the project set itself: a ratio of ours to a peer's, and whether this run holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.comparison import Outcome, Ratio, Series

_WORDS: Final = {True: "yes", False: "NO", None: "–"}


@dataclass(frozen=True, slots=True)
class Aim:
    """One row of the table: the figure of contender `of` divided by that of `to`, in `metric`; of the latter in
    `to_metric`, where it is held against another of its figures.

    `at_least` or `at_most` bounds the median of the rounds' ratios; neither: the row is there to be read.
    """

    what: str
    metric: str
    of: str
    to: str
    at_least: float | None = None
    at_most: float | None = None
    to_metric: str | None = None

    @property
    def bound(self) -> str:
        """`≥ 0.4`, `≤ 0.02`, or nothing."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    def holds(self, ratio: float) -> bool | None:
        """Whether the ratio is within the bound; None where there is no bound."""
        if self.at_least is not None:
            return ratio >= self.at_least
        return None if self.at_most is None else ratio <= self.at_most


@dataclass(frozen=True, slots=True)
class Row:
    """An aim and what came of it: the ratio round by round, or why there is none."""

    aim: Aim
    ratio: Ratio | None
    ours: float = 0.0
    peers: float = 0.0
    skipped: str = ""

    @property
    def verdict(self) -> bool | None:
        return None if self.ratio is None else self.aim.holds(self.ratio.median)

    def shape(self) -> dict[str, Any]:
        """As the result's JSON holds it."""
        ratio = self.ratio
        spread = None
        if ratio is not None:
            spread = {"min": min(ratio.rounds), "median": ratio.median, "max": max(ratio.rounds)}
        figures = {"ours": self.ours, "peer": self.peers, "ratio": spread, "holds": self.verdict}
        return asdict(self.aim) | figures | {"skipped": self.skipped or None}


def judge(aims: Sequence[Aim], outcome: Outcome, absence: str) -> list[Row]:
    """The rows of one comparison. `absence`: why a contender that it lacks did not run."""
    return [_judge(aim, outcome, outcome.skipped or absence) for aim in aims]


def _judge(aim: Aim, outcome: Outcome, absence: str) -> Row:
    ours = _find(outcome, aim.metric, aim.of)
    peers = _find(outcome, aim.to_metric or aim.metric, aim.to)
    if ours is None or peers is None:
        return Row(aim, None, skipped=absence)
    rounds = tuple(a / b for a, b in zip(ours.rounds, peers.rounds, strict=True))
    return Row(aim, Ratio(aim.of, aim.to, rounds), ours.median, peers.median)


def _find(outcome: Outcome, metric: str, name: str) -> Series | None:
    return next((each for each in outcome.metrics.get(metric, ()) if each.name == name), None)


def format_rows(rows: Sequence[Row], heading: Sequence[str]) -> str:
    """A Markdown table under a line of what it was measured on, as a document can show it."""
    lines = [*heading, "", "| ours ÷ peer | min | **median** | max | aim | holds | ours, peer (medians) |"]
    lines.append("|---|--:|--:|--:|--:|---|---|")
    for row in rows:
        lines.append(f"| {row.aim.what} | {_figures(row)} |")
    return "\n".join(lines)


def _figures(row: Row) -> str:
    if row.ratio is None:
        return f"– | – | – | {row.aim.bound} | – | skipped: {row.skipped}"
    low, high = min(row.ratio.rounds), max(row.ratio.rounds)
    both = f"{_short(row.ours)}, {_short(row.peers)} {row.aim.metric.split()[-1]}"
    spread = f"{_short(low)} | **{_short(row.ratio.median)}** | {_short(high)}"
    return f"{spread} | {row.aim.bound} | {_WORDS[row.verdict]} | {both}"


def _short(value: float) -> str:
    """Two or three telling digits: 0.0123, 0.45, 12.3, 1.5k, 73k, 1.19M."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.2f}M"
    if value >= 10_000:
        return f"{value / 1_000:.0f}k"
    if value >= 1_000:
        return f"{value / 1_000:.1f}k"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
