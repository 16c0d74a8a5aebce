"""Pages of a list: `?limit=` and an opaque `?cursor=`, which says where the next page begins and holds no secret."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from flask import Request

from api.settings import PAGE_ENTRIES, PAGE_ENTRIES_MAX
from ledger.entry.canonical_json import INTEGER_MAX
from ledger.errors import MalformedError

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_CURSOR_MAX: Final = 64

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the cursor of the page after; None at the end."""

    items: tuple[Item, ...]
    next: str | None


def check_query(request: Request, known: Collection[str]) -> None:
    """Raises MalformedError for a parameter that is unknown or stands twice: it would be silently ignored."""
    for name, values in request.args.lists():
        if name not in known:
            expected = f"expected {', '.join(sorted(known))}" if known else "expected none"
            raise MalformedError(f"read the query: unknown parameter; {expected}", f"query.{name[:80]}")
        if len(values) > 1:
            raise MalformedError("read the query: the parameter stands twice", f"query.{name}")


def read_page(request: Request, list_name: str, start: int) -> tuple[int, int]:
    """Position and limit of the page asked for; `start` is the position of the first page. Raises MalformedError."""
    check_query(request, ("cursor", "limit"))
    limit = request.args.get("limit")
    cursor = request.args.get("cursor")
    position = start if cursor is None else parse_cursor(list_name, cursor)
    return position, PAGE_ENTRIES if limit is None else _parse_limit(limit)


def cut(found: Sequence[Item], limit: int, list_name: str, position_after: Callable[[Item], int]) -> Page[Item]:
    """The page out of up to `limit` + 1 items: the one too many only tells that there is more."""
    items = tuple(found[:limit])
    more = len(found) > limit
    return Page(items, format_cursor(list_name, position_after(items[-1])) if more else None)


def format_cursor(list_name: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{list_name}:{position}".encode("ascii")).decode("ascii").rstrip("=")


def parse_cursor(list_name: str, cursor: str) -> int:
    """The inverse of `format_cursor`. Raises MalformedError for anything it would not have written for this list."""
    if len(cursor) <= _CURSOR_MAX and cursor.isascii():
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        name, _, number = text.partition(":")
        if name == list_name and _NUMBER.fullmatch(number) and int(number) <= INTEGER_MAX:
            position = int(number)
            if format_cursor(list_name, position) == cursor:
                return position
    raise MalformedError("read a cursor: expected one from the `next` of this list", "query.cursor")


def _parse_limit(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= PAGE_ENTRIES_MAX:
        raise MalformedError(f"read a limit: expected 1 to {PAGE_ENTRIES_MAX}", "query.limit")
    return int(text)
