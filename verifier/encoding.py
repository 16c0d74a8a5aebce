"""Base64, hex, decimal and times in their one allowed form (docs/spec/canonical-json.md, "Other encodings").

Python's own readers are all wider than the formats: int() takes signs, underscores, blanks and any script's digits,
b64decode() skips what it does not know, bytes.fromhex() takes capitals and blanks. So each text is matched first.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from verifier.errors import VerifierError

HASH_SIZE = 32

# Groups of four are left to the decoder: repeating a group in a pattern costs 30 bytes of memory for each character.
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_HEX = re.compile(r"[0-9a-f]*")
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# 255 bytes is the longest name of a member, so no decimal that a format allows is longer; it also keeps int() linear.
_MAX_DIGITS = 255


class BadEncoding(VerifierError):
    """A text is not in the one form that its encoding allows."""


def base64_bytes(text: str) -> bytes:
    """The bytes of canonical, padded, standard base64; raises BadEncoding."""
    if len(text) % 4 or not _BASE64.fullmatch(text):
        raise BadEncoding("the text is not standard base64 with padding")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadEncoding(f"the text is not base64: {error}") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise BadEncoding("the base64 is not canonical: its unused bits are not zero")
    return data


def base64_hash(text: str) -> bytes:
    """The 32 bytes of a base64 hash; raises BadEncoding."""
    data = base64_bytes(text)
    if len(data) != HASH_SIZE:
        raise BadEncoding(f"the base64 should hold {HASH_SIZE} bytes and holds {len(data)}")
    return data


def is_hex(text: str, digits: int) -> bool:
    """Whether a text is exactly that many lower-case hex digits."""
    return len(text) == digits and _HEX.fullmatch(text) is not None


def hex_hash(text: str) -> bytes:
    """The 32 bytes of 64 lower-case hex digits; raises BadEncoding."""
    if not is_hex(text, 2 * HASH_SIZE):
        raise BadEncoding(f"the hash should be {2 * HASH_SIZE} lower-case hex digits")
    return bytes.fromhex(text)


def decimal(text: str) -> int:
    """The number of ASCII digits without sign or leading zero; raises BadEncoding."""
    if len(text) > _MAX_DIGITS or not _DECIMAL.fullmatch(text):
        raise BadEncoding("the number is not plain decimal")
    return int(text)


def time_us(text: str) -> int:
    """Microseconds since 1970 of `YYYY-MM-DDThh:mm:ss.mmmZ`; raises BadEncoding (a date that does not exist too)."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadEncoding("the time should be YYYY-MM-DDThh:mm:ss.mmmZ")
    year, month, day, hour, minute, second, millis = (int(part) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, millis * 1000, tzinfo=UTC)
    except ValueError as error:
        raise BadEncoding(f"the time does not exist: {error}") from None
    return (moment - _EPOCH) // _MICROSECOND


def datetime_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def time_text(milliseconds: int) -> str | None:
    """`YYYY-MM-DDThh:mm:ss.mmmZ` of milliseconds since 1970; None outside the years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{moment.microsecond // 1000:03d}Z"
