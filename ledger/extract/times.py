"""Times as files write them, told in ISO 8601 exactly as precisely as the source says.

A time without a zone stays without one: which zone was meant is a question for the court, not for a reader. What is not
a time is None, never a guess.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import Final

_EXIF: Final = re.compile(
    r"\s*(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:\d\d)?\s*"
)
_EXIF_DATE: Final = re.compile(r"\s*(\d{4})[:/-](\d\d)[:/-](\d\d)\s*")
_OFFSET: Final = re.compile(r"\s*(Z|[+-](?:0\d|1[0-4]):[0-5]\d)\s*")
_PDF: Final = re.compile(
    r"\s*(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)(?:00'?(?:00)?'?)?|([+-])(\d\d)'?(?:(\d\d)'?)?)?\s*"
)
_ISO: Final = re.compile(
    r"\s*(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d|[+-]\d\d)?)?)?)?\s*"
)
_EPOCH_1904: Final = datetime(1904, 1, 1, tzinfo=UTC)
_EPOCH_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)


def exif_time(value: str | None, offset: str | None = None, subsecond: str | None = None) -> str | None:
    """EXIF 2.32 §4.6.4 `YYYY:MM:DD HH:MM:SS`, with the offset and the fraction that stand in tags of their own."""
    found = _EXIF.fullmatch(value or "")
    if found is None:
        day = _EXIF_DATE.fullmatch(value or "")
        return _checked(f"{day[1]}-{day[2]}-{day[3]}") if day else None
    zone = found[8] or (checked[1] if (checked := _OFFSET.fullmatch(offset or "")) else "")
    digits = found[7] or (subsecond or "").strip()
    part = f".{digits}" if digits.isascii() and digits.isdigit() and len(digits) <= 9 else ""
    return _checked(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}:{found[5]}:{found[6]}{part}{zone}")


def pdf_time(value: str | None) -> str | None:
    """ISO 32000-2 §7.9.4 `D:YYYYMMDDHHmmSSOHH'mm'`, whose tail may be missing."""
    found = _PDF.fullmatch(value or "")
    if found is None:
        return None
    year, month, day, hour, minute, second, utc, sign, zone_hours, zone_minutes = found.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return _checked(date)
    clock = f"{hour}:{minute or '00'}" + (f":{second}" if second else "")
    zone = "Z" if utc else f"{sign}{zone_hours}:{zone_minutes or '00'}" if sign else ""
    return _checked(f"{date}T{clock}{zone}")


def iso_time(value: str | None) -> str | None:
    """A W3C or ISO 8601 time (XMP, Office, web pages), in the precision that it has."""
    found = _ISO.fullmatch(value or "")
    if found is None:
        return None
    year, month, day, hour, minute, second, part, zone = found.groups()
    date = "-".join(piece for piece in (year, month, day) if piece)
    if hour is None:
        return _checked(date)
    clock = f"{hour}:{minute}" + (f":{second}{part or ''}" if second else "")
    return _checked(f"{date}T{clock}{_full_zone(zone)}")


def _full_zone(zone: str | None) -> str:
    if not zone or zone == "Z":
        return zone or ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def mail_time(value: str | None) -> str | None:
    """RFC 5322 §3.3 date-time. `-0000` says that the zone is unknown (§3.3), so there is none in the answer."""
    try:
        parts = parsedate_tz((value or "")[:200])
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if parts is None:
        return None
    offset = parts[9]
    zone = ""
    if offset is not None and not re.search(r"-0000\b", value or ""):
        sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
        zone = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    year, month, day, hour, minute, second = parts[:6]
    return _checked(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")


def since_1904(seconds: int) -> str | None:
    """ISO/IEC 14496-12 §8.2.2: seconds since 1904 in UTC; 0 is what writers put that know no time."""
    return _since(_EPOCH_1904, seconds) if seconds else None


def since_1970(seconds: int) -> str | None:
    """Unix time, in UTC; 0 is what writers put that know no time."""
    return _since(_EPOCH_1970, seconds) if seconds else None


def _since(epoch: datetime, seconds: int) -> str | None:
    try:
        return (epoch + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None


def wall_time(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> str | None:
    """A time of no zone, from its numbers (zip members, chats)."""
    return _checked(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")


def _checked(value: str) -> str | None:
    """`value`, if that date and hour exist; a zone of more than 14 hours does not."""
    padded = value if "T" in value else {4: f"{value}-01-01", 7: f"{value}-01"}.get(len(value), value)
    try:
        moment = datetime.fromisoformat(padded)
    except ValueError:
        return None
    offset = moment.utcoffset()
    return None if offset is not None and abs(offset) > timedelta(hours=14) else value
