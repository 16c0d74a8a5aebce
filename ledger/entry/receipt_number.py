"""Receipt numbers, which people type: `EL-0000000123-20` is entry 123.

The two check digits are ISO 7064 mod 97-10 over the ten digits: every single wrong digit and every swap of two
neighbours shows.
"""

from __future__ import annotations

import re
from typing import Final

from ledger.errors import LimitError, MalformedError

INDEX_MAX: Final = 10**10 - 1
"""Largest index that ten digits hold."""

_NUMBER: Final = re.compile(r"EL-([0-9]{10})-([0-9]{2})")


def format_number(index: int) -> str:
    """The receipt number of the entry with this log index (0 to 9,999,999,999). Raises LimitError beyond, and below
    0.
    """
    if not 0 <= index <= INDEX_MAX:
        raise LimitError(f"number an entry: expected an index of 0 to {INDEX_MAX}, got {index}", None, INDEX_MAX, index)
    return f"EL-{index:010}-{98 - index * 100 % 97:02}"


def parse_number(text: str) -> int:
    """The log index of a receipt number. Raises MalformedError for another form or wrong check digits.

    The check digits are computed again and compared: mod 97 alone would take 00 for 97, 01 for 98 and 99 for 02.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise MalformedError(f"read a receipt number: expected the form EL-0000000123-20, got {text[:40]!r}")
    index = int(match.group(1))
    if format_number(index) != text:
        raise MalformedError(f"read a receipt number: {text} has wrong check digits; a digit was mistyped")
    return index
