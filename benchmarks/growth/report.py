"""What was measured at each size, the ratios to the reference, and what follows for 10⁸ entries if it goes on so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.comparison import Outcome
from benchmarks.growth.storage import Stored
from benchmarks.table import format_figure

AT_MOST: Final = {"anchor p50 ms": 1.3, "proof p50 ms": 1.3}
"""What the project set itself for the ratio to 10,000 entries."""

BYTES_AT_MOST: Final = 1.6
"""The same for bytes stored ÷ (leaf + openings)."""

PROJECTED: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One size of the grown log. `rate`: entries a second on the way there, 0 where it stood already."""

    size: int
    rate: float
    stored: Stored
    outcome: Outcome

    def figure(self, metric: str) -> float:
        """The grown log's median."""
        return next(each.median for each in self.outcome.metrics[metric] if not each.peer)

    def ratio(self, metric: str) -> tuple[float, float, float]:
        """Minimum, median and maximum of the rounds' ratios to the reference."""
        (ratio,) = self.outcome.ratios(metric)
        return min(ratio.rounds), ratio.median, max(ratio.rounds)


def shape_mark(mark: Mark) -> dict[str, Any]:
    """As the result's JSON holds it; the ratios stand with the outcome of the same size."""
    stored = {"entries": mark.stored.entries, "bytes": mark.stored.taken, "leaves_and_openings": mark.stored.needed}
    return {"size": mark.size, "entries_a_second": mark.rate, "stored": stored}


def format_marks(name: str, marks: Sequence[Mark]) -> str:
    """A Markdown table: a column for each size, and the projection from the last two."""
    if not marks:
        return f"{name}: nothing was measured"
    sizes = [f"{mark.size:,}" for mark in marks]
    lines = [f"| {name} | " + " | ".join([*sizes, "aim", f"projected {PROJECTED:,}"]) + " |"]
    lines.append("|---|" + "--:|" * (len(marks) + 2))
    for metric in marks[0].outcome.metrics:
        lines.append(_ratio_row(metric, marks))
    lines.append(_row("bytes ÷ (leaf + openings)", [mark.stored.ratio for mark in marks], BYTES_AT_MOST))
    lines.append(_row("bytes an entry", [mark.stored.each for mark in marks], None))
    lines.append(_row("entries/s on the way", [mark.rate for mark in marks], None))
    lines += ["", *_project(marks)]
    return "\n".join(lines)


def format_alone(stored: Stored) -> str:
    """What an entry takes that was anchored alone: with a checkpoint of its own, signed twice."""
    return (
        f"Anchored one by one, each under a checkpoint of its own: {format_figure(stored.each)} bytes an entry, "
        f"{stored.ratio:.2f} times leaf and openings."
    )


def _ratio_row(metric: str, marks: Sequence[Mark]) -> str:
    cells = []
    for mark in marks:
        low, middle, high = mark.ratio(metric)
        cells.append(f"{low:.2f} **{middle:.2f}** {high:.2f} ({format_figure(mark.figure(metric))})")
    projected = project([mark.size for mark in marks], [mark.ratio(metric)[1] for mark in marks])
    bound = AT_MOST.get(metric)
    cells += [f"≤ {bound}" if bound else "", f"{projected:.2f}" if projected is not None else "–"]
    return f"| {metric}, ÷ reference | " + " | ".join(cells) + " |"


def _row(title: str, values: Sequence[float], bound: float | None) -> str:
    cells = [format_figure(value) for value in values] + [f"≤ {bound}" if bound else "", ""]
    return f"| {title} | " + " | ".join(cells) + " |"


def project(sizes: Sequence[int], values: Sequence[float]) -> float | None:
    """What the value would be at 10⁸ if it went on growing by as much for each tenfold as over the last; None from
    fewer than two sizes. A value that fell is taken to stay.
    """
    if len(sizes) < 2:
        return None
    step = (values[-1] - values[-2]) / math.log10(sizes[-1] / sizes[-2])
    return values[-1] + max(0.0, step) * math.log10(PROJECTED / sizes[-1])


def _project(marks: Sequence[Mark]) -> list[str]:
    """Disk and time, from what the last tenfold took."""
    if len(marks) < 2:
        return []
    before, last = marks[-2], marks[-1]
    each = (last.stored.taken - before.stored.taken) / (last.stored.entries - before.stored.entries)
    words = f"Projection, not measured: {PROJECTED:,} entries take {PROJECTED * each / 2**30:,.0f} GiB"
    if last.rate:
        words += f", and {PROJECTED / last.rate / 3600:,.1f} hours to append at the rate of the last tenfold"
    return [f"{words}. Ratios go on as over the last tenfold."]
