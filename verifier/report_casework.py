"""Casework as text for people: the part of the text report that demands, challenges and erasures are."""

from __future__ import annotations

import json
from collections.abc import Iterable

from verifier.casework.casework import Casework, Erasure
from verifier.casework.challenge import Challenge
from verifier.casework.demand import Demand
from verifier.casework.judged import Judged, Reason, State
from verifier.printable import MAX_NAMES, printable
from verifier.receipt_number import number_of
from verifier.sheet.all_words import SHEET_WORDS
from verifier.sheet.words import SheetWords


def casework_lines(casework: Casework, language: str, *, complete: bool) -> list[str]:
    """Demands with their answers, challenges and admissions, erasures; nothing for what is not there.

    `complete`: the evidence holds its whole chain, so that none can have been left out unseen.
    """
    words = SHEET_WORDS[language]
    lines = _headed(
        words.demands, casework.demands, (demand_lines(demand, words) for demand in casework.demands), words
    )
    challenges = (_challenge(challenge, words) for challenge in casework.challenges)
    lines += _headed(words.challenges, casework.challenges, challenges, words)
    erasures = (_erasure(found, words) for found in casework.erasures)
    lines += _headed(words.erasures, casework.erasures, erasures, words)
    return [*lines, "", words.not_complete] if lines and not complete else lines


def demand_lines(demand: Demand, words: SheetWords, *, so_far: bool = False) -> list[str]:
    """A demand and what became of each name; `so_far`: it is said that later entries may say otherwise."""
    labels = words.labels
    state = qualified(words.demand_states[demand.state], words, so_far=so_far)
    says = labels["says"].format(time=demand.act.time)
    lines = [
        f"  {labels['demand']} {demand.act.number} ({number_of(demand.evidence)}): {state}",
        f"    {labels['by']}: {_said(demand.act.by, words)}; {says}",
        f"    {labels['object']}: {words.objects.get(demand.object or '', words.unknown)}",
        f"    {labels['grounds']}: {_said(demand.grounds, words)}",
    ]
    if demand.due_at is not None:
        lines.append(f"    {labels['due']}: {labels['due_says'].format(time=demand.due_at)}")
    if demand.fields is None:
        lines.append(f"    {words.unreadable}")
    return lines + [f"    {_judged(judged, words, so_far=so_far)}" for judged in demand.answers]


def qualified(state: str, words: SheetWords, *, so_far: bool) -> str:
    """A state in words, with how far it is known where it is not known whether something later changes it."""
    return words.so_far.format(state=state) if so_far else state


def _headed(heading: str, found: tuple[object, ...], shown: Iterable[list[str]], words: SheetWords) -> list[str]:
    if not found:
        return []
    lines = ["", f"{heading}:"]
    for _, part in zip(range(MAX_NAMES), shown, strict=False):
        lines += part
    if len(found) > MAX_NAMES:
        lines.append(f"  {words.more.format(count=len(found) - MAX_NAMES)}")
    return lines


def _judged(judged: Judged, words: SheetWords, *, so_far: bool) -> str:
    state = qualified(words.states[judged.state], words, so_far=so_far and judged.state is State.REFUSED)
    line = f"{printable(judged.name)} – {state}"
    if judged.state is State.OPENED and judged.value is not None:
        value = judged.value if isinstance(judged.value, str) else json.dumps(judged.value, ensure_ascii=False)
        line += f": {printable(value)}"
    elif judged.reason is not None:
        known = isinstance(judged.reason, Reason)
        line += f": {words.reasons[judged.reason] if known else printable(judged.reason)}"
    return f"{line} ({judged.act.number})" if judged.act is not None else line


def _challenge(challenge: Challenge, words: SheetWords) -> list[str]:
    labels = words.labels
    says = labels["says"].format(time=challenge.act.time)
    heads = ", ".join(words.heads.get(head, head) for head in challenge.heads or ())
    about = ", ".join(challenge.fields or ()) or (words.whole if challenge.fields is not None else words.unknown)
    return [
        f"  {challenge.act.number} ({number_of(challenge.evidence)}): {words.challenge_states[challenge.state]}",
        f"    {labels['by']}: {_said(challenge.act.by, words)}; {says}",
        f"    {labels['heads']}: {printable(heads)}; {printable(about)}" if heads else f"    {printable(about)}",
        *([] if challenge.is_silent else [f"    {labels['grounds']}: {_said(challenge.grounds, words)}"]),
    ]


def _erasure(erasure: Erasure, words: SheetWords) -> list[str]:
    labels = words.labels
    says = labels["says"].format(time=erasure.act.time)
    return [
        f"  {erasure.act.number} ({number_of(erasure.evidence)}): {words.states['erased']}",
        f"    {labels['by']}: {_said(erasure.act.by, words)}; {says}",
        f"    {labels['erased']}: {printable(', '.join(erasure.fields))}",
        f"    {labels['order']}: {_said(erasure.order, words)}",
    ]


def _said(text: str | None, words: SheetWords) -> str:
    return printable(text) if text is not None else words.unknown
