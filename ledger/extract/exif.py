"""EXIF (CIPA DC-008), as Pillow reads its directories: a JPEG's APP1, a PNG's eXIf, a HEIC's item, a TIFF itself."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from PIL import ExifTags, Image

from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings
from ledger.extract.times import exif_time
from ledger.extract.values import decimal, decoded, text

_BASE: Final = ExifTags.Base
_GPS: Final = ExifTags.GPS
_HEADER: Final = b"Exif\x00\x00"
# EXIF 2.32 §4.6.5 UserComment: eight bytes say the character code of what follows.
_COMMENT_CODES: Final = {b"ASCII\x00\x00\x00": "ascii", b"UNICODE\x00": "utf-16", bytes(8): "utf-8"}

Tags = Mapping[int, Any]


def read_exif(data: bytes, findings: Findings) -> None:
    """Fill a picture's fields from an EXIF block, with or without its `Exif\\0\\0` header."""
    tags = Image.Exif()
    tags.load(data if data.startswith(_HEADER) else _HEADER + data)
    if not len(tags):
        raise ExtractError("no readable directory")
    fill_from_tags(tags, tags.get_ifd(ExifTags.IFD.Exif), findings)
    with findings.attempt("gps"):
        findings.put("gps", gps(tags.get_ifd(ExifTags.IFD.GPSInfo)))
    with findings.attempt("thumbnail"):
        findings.put("thumbnail", _thumbnail(data.removeprefix(_HEADER), tags.get_ifd(ExifTags.IFD.IFD1)))


def fill_from_tags(main: Tags, details: Tags, findings: Findings) -> None:
    """Fill the fields that stand in the main directory and in EXIF's own."""
    findings.put("exif", True)
    findings.put_first(
        "created_at",
        _time(details, _BASE.DateTimeOriginal, _BASE.OffsetTimeOriginal, _BASE.SubsecTimeOriginal),
    )
    findings.put_first(
        "modified_at",
        exif_time(_text(main, _BASE.DateTime), _text(details, _BASE.OffsetTime), _text(details, _BASE.SubsecTime)),
    )
    findings.put_first(
        "digitized_at",
        _time(details, _BASE.DateTimeDigitized, _BASE.OffsetTimeDigitized, _BASE.SubsecTimeDigitized),
    )
    simple = {
        "author": (main, _BASE.Artist),
        "copyright": (main, _BASE.Copyright),
        "make": (main, _BASE.Make),
        "model": (main, _BASE.Model),
        "software": (main, _BASE.Software),
        "description": (main, _BASE.ImageDescription),
        "host_computer": (main, _BASE.HostComputer),
        "device_serial": (details, _BASE.BodySerialNumber),
        "device_owner": (details, _BASE.CameraOwnerName),
        "lens": (details, _BASE.LensModel),
        "lens_serial": (details, _BASE.LensSerialNumber),
        "image_unique_id": (details, _BASE.ImageUniqueID),
    }
    for name, (directory, tag) in simple.items():
        findings.put_first(name, _text(directory, tag))
    findings.put_first("author", _windows_text(main, _BASE.XPAuthor))
    findings.put_first("user_comment", _user_comment(details.get(_BASE.UserComment)))
    orientation = main.get(_BASE.Orientation)
    findings.put("orientation", orientation if isinstance(orientation, int) else None)
    findings.put("exposure", _exposure(details))
    findings.put_first("resolution", _resolution(main))


def _time(details: Tags, when: int, offset: int, part: int) -> str | None:
    return exif_time(_text(details, when), _text(details, offset), _text(details, part))


def _text(directory: Tags, tag: int) -> str | None:
    value = directory.get(tag)
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")  # as Pillow decoded it; many phones write UTF-8 there
    return decoded(value) if isinstance(value, bytes) else None


def _windows_text(directory: Tags, tag: int) -> str | None:
    value = directory.get(tag)
    data = bytes(value) if isinstance(value, bytes | tuple) else b""
    return text(data.decode("utf-16-le", "replace").split("\x00", 1)[0].strip()) or None


def _user_comment(value: object) -> str | None:
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return None
    code = _COMMENT_CODES.get(value[:8])
    if code is None:
        return decoded(value)
    body = value[8:]
    if code == "utf-16":
        code = (
            "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-be" if body[:1] == b"\x00" else "utf-16-le"
        )
    return text(body.decode(code, "replace").split("\x00", 1)[0].strip()) or None


def _number(value: object, places: int = 6) -> str | None:
    """A rational as a decimal string; None for 0/0 and for what is no number."""
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, bool) or value is None:
        return None
    try:
        top, bottom = getattr(value, "numerator", None), getattr(value, "denominator", None)
        return decimal(Fraction(int(top), int(bottom)), places) if top is not None and bottom is not None else None
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _exposure(details: Tags) -> dict[str, object] | None:
    found: dict[str, object] = {
        "time_s": _number(details.get(_BASE.ExposureTime)),
        "f_number": _number(details.get(_BASE.FNumber)),
        "iso": _number(details.get(_BASE.ISOSpeedRatings)),
        "focal_length_mm": _number(details.get(_BASE.FocalLength)),
        "flash": _number(details.get(_BASE.Flash)),
    }
    return found if any(value is not None for value in found.values()) else None


def _resolution(main: Tags) -> str | None:
    across, down = _number(main.get(_BASE.XResolution), 2), _number(main.get(_BASE.YResolution), 2)
    unit = {2: "per inch", 3: "per cm"}.get(main.get(_BASE.ResolutionUnit, 2))
    return f"{across}x{down} {unit}" if across and down and unit else None


def gps(directory: Tags) -> dict[str, object] | None:
    """The place, in decimal degrees with six places (0.1 m); None where there is no directory. A part that is missing
    or nonsense is null.
    """
    if not directory:
        return None
    return {
        "latitude": _degrees(directory.get(_GPS.GPSLatitude), directory.get(_GPS.GPSLatitudeRef), "NS", 90),
        "longitude": _degrees(directory.get(_GPS.GPSLongitude), directory.get(_GPS.GPSLongitudeRef), "EW", 180),
        "altitude_m": _altitude(directory),
        "time": _gps_time(directory),
        "direction": _number(directory.get(_GPS.GPSImgDirection), 2),
        "speed": _number(directory.get(_GPS.GPSSpeed), 2),
        "error_m": _number(directory.get(_GPS.GPSHPositioningError), 2),
        "datum": _text(directory, _GPS.GPSMapDatum),
        "method": _user_comment(directory.get(_GPS.GPSProcessingMethod)),
    }


def _fraction(value: object) -> Fraction | None:
    top, bottom = getattr(value, "numerator", None), getattr(value, "denominator", None)
    if not isinstance(top, int) or not isinstance(bottom, int) or bottom == 0:
        return None
    return Fraction(top, bottom)


def _degrees(value: object, reference: object, letters: str, limit: int) -> str | None:
    if not isinstance(value, tuple) or len(value) != 3 or not isinstance(reference, str | bytes):
        return None
    letter = (
        (reference.decode("ascii", "replace") if isinstance(reference, bytes) else reference).strip("\x00 ").upper()
    )
    parts = [_fraction(part) for part in value]
    degrees, minutes, seconds = parts
    if degrees is None or minutes is None or letter not in letters or not letter:
        return None
    whole = degrees + minutes / 60 + (seconds or Fraction(0)) / 3600
    if whole < 0 or whole > limit:
        return None
    return decimal(-whole if letter == letters[1] else whole)


def _altitude(directory: Tags) -> str | None:
    height = _number(directory.get(_GPS.GPSAltitude), 2)
    below = directory.get(_GPS.GPSAltitudeRef) in (1, b"\x01", 3, b"\x03")
    return f"-{height}" if height and below and height != "0" else height


def _gps_time(directory: Tags) -> str | None:
    day, clock = directory.get(_GPS.GPSDateStamp), directory.get(_GPS.GPSTimeStamp)
    if not isinstance(day, str) or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    parts = [_fraction(part) for part in clock]
    if any(part is None or not 0 <= part < 61 for part in parts):
        return None
    hour, minute, second = (int(part) for part in parts if part is not None)
    return exif_time(f"{day.strip(chr(0))} {hour:02}:{minute:02}:{second:02}", "Z")  # EXIF: GPS time is UTC


def _thumbnail(block: bytes, directory: Tags) -> dict[str, object] | None:
    """The embedded small picture: it often still shows what was cut away from the large one, so its digest is kept."""
    start, length = directory.get(_BASE.JpegIFOffset), directory.get(_BASE.JpegIFByteCount)
    if not isinstance(start, int) or not isinstance(length, int):
        return None
    data = block[start : start + length]
    found: dict[str, object] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as small:
            return {**found, "width": small.width, "height": small.height}
    except (OSError, ValueError, SyntaxError):
        return {**found, "width": None, "height": None}
