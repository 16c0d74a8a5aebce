"""Bytes as text, one text for each value: lower-case hex and padded, canonical base64.

Python's own decoders take several texts for the same bytes (`b64decode` skips junk and ignores unused bits, `fromhex`
takes capitals and blanks): two receipts that differ in bytes would say the same, and a signature over one would be
moved to another.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Final

from ledger.errors import MalformedError

_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")

DECIMAL_MAX: Final = (1 << 63) - 1
"""Largest number in a text format here: sizes, indexes and timestamps of C2SP's formats fit a signed 64-bit integer."""


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return b64encode(data).decode("ascii")


def decode_base64(text: str, size: int | None, where: str) -> bytes:
    """The bytes of a base64 text; `size` is the number of bytes demanded, or None. Raises MalformedError unless
    canonical.
    """
    if _BASE64.fullmatch(text) is None:
        raise MalformedError(f"decode base64: expected padded standard base64, got {text[:80]!r}", where)
    data = b64decode(text)
    if b64encode(data).decode("ascii") != text:
        raise MalformedError(f"decode base64: expected unused bits to be zero, got {text[-4:]!r} at the end", where)
    _check_size(data, size, where)
    return data


def decode_hex(text: str, size: int | None, where: str) -> bytes:
    """The bytes of a lower-case hex text; `size` is the number of bytes demanded, or None. Raises MalformedError."""
    if _HEX.fullmatch(text) is None:
        raise MalformedError(f"decode hex: expected pairs of 0-9 and a-f, got {text[:80]!r}", where)
    data = bytes.fromhex(text)
    _check_size(data, size, where)
    return data


def decode_decimal(text: str, where: str) -> int:
    """A number of ASCII digits without leading zeros, at most 2^63 − 1. Raises MalformedError.

    `int` would take `+5`, `1_000`, ` 7` and digits of other scripts.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > DECIMAL_MAX:
        raise MalformedError(f"read a number: expected a decimal of 0 to {DECIMAL_MAX}, got {text[:80]!r}", where)
    return int(text)


def _check_size(data: bytes, size: int | None, where: str) -> None:
    if size is not None and len(data) != size:
        raise MalformedError(f"decode bytes: expected {size}, got {len(data)}", where)
