"""Values that can be committed: what readers find, made into bounded JSON.

A field's value is a string, an integer within ±(2^53 − 1), a boolean, null, or a list or object of these at most eight
deep, and at most 64 KiB as canonical JSON. Files hold anything; here the rest is cut, and says that it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

INTEGER_MAX: Final = 2**53 - 1
"""Beyond it two JSON readers disagree on the value."""

VALUE_BYTES: Final = 64 * 1024
"""Canonical bytes of one value: with name and salt its opening still fits."""

DEPTH_MAX: Final = 8
"""Deepest list or object inside a value, a scalar having depth 0."""

TEXT_CHARACTERS: Final = 4_096
"""Characters of one string: any title, path or comment that people write; a book in a tag is cut."""

KEY_CHARACTERS: Final = 128
"""Characters of an object's member name, where the file chooses it."""

LISTING_ITEMS: Final = 1_000
"""Items of one listing. What lies beyond is counted, not listed."""

_TRUNCATED: Final = "truncated"
# C0 but tab and line feed, DEL, C1: they would steer the terminal that shows them. Lone surrogates have no UTF-8.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def text(value: str, limit: int = TEXT_CHARACTERS) -> str:
    """A string as it can be committed: control characters and lone surrogates written as \\uXXXX, long ones cut."""
    cut = value[:limit].replace("\r\n", "\n")
    cleaned = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)
    return cleaned if len(value) <= limit else f"{cleaned}… [{len(value) - limit} more characters]"


def decoded(data: bytes, limit: int = TEXT_CHARACTERS) -> str | None:
    """Bytes that a file calls text: UTF-8, else Latin-1; up to the first NUL, without blanks around; None if empty."""
    data = data.split(b"\x00", 1)[0][: 4 * limit]
    try:
        found = data.decode("utf-8")
    except UnicodeDecodeError:
        found = data.decode("latin-1")
    return text(found.strip(), limit) or None


def decimal(value: Fraction | int, places: int = 6) -> str:
    """A number as a plain decimal string, rounded half to even; a commitment holds no fractions."""
    scaled = round(Fraction(value) * 10**places)
    sign, digits = "-" if scaled < 0 else "", str(abs(scaled)).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:].rstrip("0")) if places else (digits, "")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def listing(items: Iterable[object], count: int | None = None, limit: int = LISTING_ITEMS) -> dict[str, object]:
    """A list as an object that says how many there are: `count`, `items` (at most `limit`), `truncated` (how many are
    missing). `count` is what was counted where the items themselves are not all at hand.
    """
    kept: list[object] = []
    seen = 0
    for item in items:
        seen += 1
        if len(kept) < limit:
            kept.append(item)
    total = max(seen, count or 0)
    return {"count": total, "items": kept, _TRUNCATED: total - len(kept)}


def committable(value: object) -> Json:
    """`value` as JSON that a field may hold. Raises TypeError for a type that has no JSON here, fractions above all."""
    return _fitting(_plain(value, DEPTH_MAX))


def size(value: Json) -> int:
    """Bytes of a value's canonical JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


def _plain(value: object, depth: int) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -INTEGER_MAX <= value <= INTEGER_MAX else text(str(value))
    if isinstance(value, str):
        return text(str(value))
    if not isinstance(value, Mapping | list | tuple):
        raise TypeError(f"keep a value: expected what JSON holds without fractions, got {type(value).__name__}")
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {text(str(key), KEY_CHARACTERS): _plain(member, depth - 1) for key, member in value.items()}
    return [_plain(member, depth - 1) for member in value]


def _fitting(value: Json) -> Json:
    """`value`, or as much of its beginning as VALUE_BYTES hold, with the count of what was left out."""
    if size(value) <= VALUE_BYTES:
        return value
    if isinstance(value, str):
        return text(value, VALUE_BYTES // 8)
    if isinstance(value, list):
        return _fitting(_plain(listing(value), DEPTH_MAX))
    if not isinstance(value, dict):
        return value
    items = value.get("items")
    return _shorter_listing(value, items) if isinstance(items, list) else _shorter_object(value)


def _shorter_listing(value: dict[str, Json], items: list[Json]) -> Json:
    room = VALUE_BYTES - size({**value, "items": [], _TRUNCATED: INTEGER_MAX})
    kept: list[Json] = []
    for item in items:
        room -= size(item) + 1
        if room < 0:
            break
        kept.append(item)
    before = value.get(_TRUNCATED)
    missing = len(items) - len(kept) + (before if isinstance(before, int) else 0)
    return {**value, "items": kept, _TRUNCATED: missing}


def _shorter_object(value: dict[str, Json]) -> Json:
    room = VALUE_BYTES - size({_TRUNCATED: INTEGER_MAX})
    kept: dict[str, Json] = {}
    for key, member in value.items():
        room -= size({key: member})
        if room < 0:
            break
        kept[key] = member
    return {**kept, _TRUNCATED: len(value) - len(kept)}
