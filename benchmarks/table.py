"""Outcomes as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from benchmarks.comparison import Outcome, Series

HEAD = f"{'':4}{'':46}{'min':>10}{'median':>10}{'max':>10}   "


def format_outcome(outcome: Outcome) -> str:
    """A table for each metric; behind the figures each contender's ratio to each peer, the median of the rounds'."""
    lines = [f"{outcome.name}: {outcome.title}"]
    if outcome.skipped is not None:
        return "\n".join([*lines, f"    skipped: {outcome.skipped}", ""])
    for metric, series in outcome.metrics.items():
        lines += ["", *_format_metric(outcome, metric, series)]
    lines += [f"    {note}" for note in outcome.notes]
    return "\n".join([*lines, ""])


def _format_metric(outcome: Outcome, metric: str, series: Sequence[Series]) -> list[str]:
    letters = {each.name: letter for each, letter in zip(series, ascii_lowercase, strict=False)}
    ratios = {(ratio.of, ratio.to): ratio.median for ratio in outcome.ratios(metric)}
    peers = [each.name for each in series if each.peer]
    lines = [f"    {metric:46}{HEAD[50:]}" + "".join(f"{'÷ ' + letters[peer]:>8}" for peer in peers)]
    for each in series:
        row = f"  {letters[each.name]} {each.name:46}"
        row += "".join(f"{format_figure(value):>10}" for value in (min(each.rounds), each.median, max(each.rounds)))
        if not each.peer:
            row += "   " + "".join(f"{format_figure(ratios[each.name, peer]):>8}" for peer in peers)
        lines.append(row)
    return lines


def format_figure(value: float) -> str:
    """Three telling digits: 0.0123, 1.23, 12.3, 123, 12,346."""
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"
