"""Contradictions among what the file says, what was declared, what the requisites say, and when it was anchored.

They are questions, for whoever weighs the evidence: clocks are wrong, files are copied, programs rewrite dates. Nothing
here says that anything was forged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.entry.canonical_json import Value

_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d\d:\d\d)?)?")
# The zones of the world lie within fourteen hours of UTC: a time without its zone may be that much off.
_ANY_ZONE: Final = timedelta(hours=14)
# Two clocks that nobody compared: below this, nothing is asked.
_TOLERANCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Span:
    """What a text says of a time: no earlier than `first`, no later than `last`."""

    first: datetime
    last: datetime


def questions(fields: Mapping[str, Value], anchored_at: str | None = None) -> tuple[str, ...]:
    """What these fields of an anchored entry leave to ask. `anchored_at`: its time in the ledger's form, if known."""
    if not may_ask(fields):
        return ()
    return (*_order(fields), *_same_time(fields), *_after_anchoring(fields, anchored_at), *_authors(fields))


def may_ask(fields: Mapping[str, Value]) -> bool:
    """Whether there can be any question, whenever it was anchored.

    Every question is about what a file says of itself, but for one about the time that the requisites give.
    """
    if "requisite.made_at" in fields:
        return True
    return any([name.startswith("extracted.") for name in fields])  # noqa: C419  (a generator takes twice as long)


_ORDER: Final = (
    ("extracted.created_at", "extracted.modified_at", "modified before it was created"),
    ("extracted.modified_at", "extracted.sent_at", "modified after it was sent"),
    ("extracted.created_at", "extracted.sent_at", "created after it was sent"),
    ("extracted.created_at", "requisite.made_at", "created after the time at which it is said to have been made"),
)
"""The first should not be later than the second."""

_SAME: Final = (
    ("declared.created_at", "extracted.created_at", "the time of creation"),
    ("declared.modified_at", "extracted.modified_at", "the time of the last change"),
    ("declared.sent_at", "extracted.sent_at", "the time of sending"),
)


def _order(fields: Mapping[str, Value]) -> Iterator[str]:
    for earlier, later, what in _ORDER:
        first, second = _span(fields.get(earlier)), _span(fields.get(later))
        if first and second and first.first > second.last + _TOLERANCE:
            yield f"{what}? {earlier} says {fields[earlier]}, {later} says {fields[later]}"


def _same_time(fields: Mapping[str, Value]) -> Iterator[str]:
    for said, taken, what in _SAME:
        first, second = _span(fields.get(said)), _span(fields.get(taken))
        apart = first and second and (first.first > second.last + _TOLERANCE or second.first > first.last + _TOLERANCE)
        if apart:
            yield f"{what} differs: {said} says {fields[said]}, {taken} says {fields[taken]}"


def _after_anchoring(fields: Mapping[str, Value], anchored_at: str | None) -> Iterator[str]:
    anchored = _span(anchored_at)
    for name in ("extracted.created_at", "extracted.modified_at", "extracted.sent_at", "requisite.made_at"):
        span = _span(fields.get(name))
        if anchored and span and span.first > anchored.last + _TOLERANCE:
            yield f"later than it was anchored? {name} says {fields[name]}, it was anchored {anchored_at}"


def _authors(fields: Mapping[str, Value]) -> Iterator[str]:
    for said, taken in (("declared.author", "extracted.author"), ("requisite.author", "extracted.author")):
        first, second = fields.get(said), fields.get(taken)
        told = [each.strip().casefold() for each in (first, second) if isinstance(each, str) and each.strip()]
        if len(told) == 2 and told[0] != told[1]:
            yield f"another author than the file names? {said} says {first}, {taken} says {second}"
    for name, value in sorted(fields.items()):
        own = name.removeprefix("declared.")
        taken_anew = own != name and own.startswith("extracted.") and value is not None
        if taken_anew and fields.get(own) not in (None, value):
            yield f"taken anew, it differs: {name} says {value}, {own} says {fields[own]}"


def _span(value: Value) -> _Span | None:
    """Between which instants a text lies; None where it is no time."""
    match = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    day, minute, second, _, zone = match.groups()
    try:
        if minute is None:
            start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
            return _Span(start - _ANY_ZONE, start + timedelta(days=1) + _ANY_ZONE)
        start = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}{'+00:00' if zone in (None, 'Z') else zone}")
        slack = _ANY_ZONE if zone is None else timedelta(0)
        length = timedelta(seconds=1) if second else timedelta(minutes=1)
        return _Span(start.astimezone(UTC) - slack, start.astimezone(UTC) + length + slack)
    except (ValueError, OverflowError):
        return None
