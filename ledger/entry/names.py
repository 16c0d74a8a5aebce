"""The grammar that field names and kinds share."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ledger.errors import LimitError, MalformedError

NAME_MAX: Final = 128
"""Bytes of the longest name: 1,023 of them still leave room for short names in `@names`' 128 KiB."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")


@lru_cache(maxsize=4_096)  # a ledger's names are few and come again; what is refused is not remembered
def check_name(name: str, where: str | None = None) -> None:
    """Refuse a name outside `[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*` (MalformedError) or longer than 128 bytes
    (LimitError).
    """
    if _NAME.fullmatch(name) is None:
        raise MalformedError(
            f"name a field: expected lower-case letters, digits, _ and dots, got {name[:160]!r}", where
        )
    if len(name) > NAME_MAX:
        raise LimitError(
            f"name a field: expected at most {NAME_MAX} bytes, got {len(name)}", where, NAME_MAX, len(name)
        )
