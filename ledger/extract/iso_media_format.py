"""MP4, MOV, 3GP, M4A (ISO/IEC 14496-12, QuickTime): times of movie and tracks, the device, the place."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from ledger.extract import c2pa
from ledger.extract.boxes import Box, boxes
from ledger.extract.fields import EXIFTOOL, Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.heif_format import brands, take_store
from ledger.extract.source import Source
from ledger.extract.times import iso_time, since_1904
from ledger.extract.values import decimal, decoded, listing

MEDIA_TYPES: Final = ("video/mp4", "video/quicktime", "video/3gpp", "video/3gpp2", "audio/mp4")
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
_USER: Final = "udta, QuickTime metadata"
FIELDS: Final = (
    Field("created_at", "when it was recorded", "QuickTime creationdate or ©day with time, else mvhd (UTC)"),
    Field("modified_at", "when the movie was last changed", "mvhd, UTC"),
    Field("author", "who made it", _USER),
    Field("version", "its version, as the maker says", _USER),
    Field("container_created_at", "the container's own time of creation", "mvhd, UTC"),
    Field("make", "maker of the device", _USER),
    Field("model", "its model", _USER),
    Field("device_serial", "its serial number", "exiftool"),
    Field("software", "program or firmware", _USER),
    Field("title", "title", _USER),
    Field("description", "comment, description", _USER),
    Field("gps", "where it was recorded: decimal degrees, metres", "©xyz, location.ISO6709, loci"),
    Field("duration_ms", "length in milliseconds", "mvhd"),
    Field("brands", "the file's major and compatible brands", "ftyp"),
    Field("tracks", "each track: kind, codec, times, size, language, the program's name", "trak"),
    Field("fragmented", "whether it was written in pieces, as streams are", "mvex, moof"),
    Field("top_level", "the outer boxes in order: tells which program wrote it last", "boxes"),
    Field("user_data", "all readable entries of the user data", _USER),
    Field("c2pa", "whether Content Credentials are there, and who made them; not checked", "uuid box"),
    *EXIFTOOL,
)
NAMES: Final = names_of(FIELDS)

TRACKS_MAX: Final = 100
"""Tracks that are read."""

ENTRY_BYTES: Final = 64 * 1024
"""Bytes of one entry of the user data."""

_ISO_6709: Final = re.compile(r"([+-]\d{1,3}(?:\.\d{1,10})?)([+-]\d{1,3}(?:\.\d{1,10})?)([+-]\d{1,6}(?:\.\d{1,6})?)?/?")
_KNOWN: Final = {
    "author": (
        "com.apple.quicktime.author",
        "com.apple.quicktime.artist",
        "©ART",
        "©aut",
        "auth",
        "com.android.author",
    ),
    "version": ("com.apple.quicktime.version", "com.android.version"),
    "make": ("com.apple.quicktime.make", "©mak", "com.android.manufacturer"),
    "model": ("com.apple.quicktime.model", "©mod", "com.android.model"),
    "software": ("com.apple.quicktime.software", "©swr", "©too", "©enc"),
    "title": ("com.apple.quicktime.title", "©nam", "titl"),
    "description": ("com.apple.quicktime.comment", "com.apple.quicktime.description", "©cmt", "©des", "dscp"),
}
_CREATED: Final = ("com.apple.quicktime.creationdate", "©day", "date")
_PLACE: Final = ("com.apple.quicktime.location.ISO6709", "©xyz", "com.apple.quicktime.location.iso6709", "loci")
# 3GPP TS 26.244 §8: version and flags, language, then the text.
_3GPP: Final = frozenset({b"titl", b"dscp", b"auth", b"perf", b"cprt", b"gnre"})


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    findings.put("c2pa", c2pa.absent())
    findings.put("fragmented", False)
    order: list[str] = []
    with findings.attempt("boxes"):
        for box in boxes(source, 0, source.size):
            name = decoded(box.kind) or ""
            if not order or order[-1] != name:
                order.append(name)
            if box.kind == b"ftyp":
                findings.put("brands", brands(box))
            elif box.kind == b"moof":
                findings.put("fragmented", True)
            elif box.kind == b"uuid":
                take_store(box, findings)
            elif box.kind == b"moov":
                with findings.attempt("movie"):
                    _read_movie(box, findings)
    findings.put("top_level", listing(order, limit=200))


def _read_movie(movie: Box, findings: Findings) -> None:
    entries: dict[str, str] = {}
    tracks: list[dict[str, object]] = []
    for box in movie.children():
        with findings.attempt(box.kind.decode("ascii", "replace") if box.kind.isalnum() else "box"):
            if box.kind == b"mvhd":
                _read_header(box, findings)
            elif box.kind == b"trak" and len(tracks) < TRACKS_MAX:
                tracks.append(_track(box))
            elif box.kind == b"mvex":
                findings.put("fragmented", True)
            elif box.kind == b"udta":
                _read_user_data(box, entries)
            elif box.kind == b"meta":
                _read_keys(box, entries)
    findings.put("tracks", listing(tracks))
    findings.put("user_data", entries or None)
    for name, keys in _KNOWN.items():
        findings.put(name, next((entries[key] for key in keys if key in entries), None))
    findings.put("gps", next((place for key in _PLACE if (place := _place(entries.get(key)))), None))
    told = next((entries[key] for key in _CREATED if key in entries), None)
    # A date alone is the year of a song; the container's time says more.
    moment = iso_time(told) if told and ":" in told else None
    findings.put("created_at", moment or findings.get("container_created_at") or iso_time(told))


def _times(data: bytes) -> tuple[str | None, str | None, int, int]:
    """Creation, modification, and scale and length from a mvhd or mdhd, version 0 or 1 (§8.2.2, §8.4.2)."""
    wide = data[:1] == b"\x01"
    width, at = (8, 4) if wide else (4, 4)
    created, modified = (int.from_bytes(data[at + n * width : at + (n + 1) * width], "big") for n in (0, 1))
    scale_at = at + 2 * width
    scale = int.from_bytes(data[scale_at : scale_at + 4], "big")
    length = int.from_bytes(data[scale_at + 4 : scale_at + 4 + width], "big")
    return since_1904(created), since_1904(modified), scale, length


def _read_header(box: Box, findings: Findings) -> None:
    created, modified, scale, length = _times(box.payload(256))
    findings.put("container_created_at", created)
    findings.put("modified_at", modified)
    findings.put("duration_ms", length * 1000 // scale if scale else None)


def _track(track: Box) -> dict[str, object]:
    found: dict[str, object] = {}
    media = track.child(b"mdia")
    header = media.child(b"mdhd") if media else None
    handler = media.child(b"hdlr") if media else None
    if header is not None:
        data = header.payload(256)
        created, modified, scale, length = _times(data)
        language = int.from_bytes(data[-4:-2], "big")
        letters = "".join(chr((language >> shift & 31) + 0x60) for shift in (10, 5, 0))
        found |= {"created_at": created, "modified_at": modified}
        found["duration_ms"] = length * 1000 // scale if scale else None
        found["language"] = letters if letters.isalpha() else None
    if handler is not None:
        data = handler.payload(4_096)
        found |= {"kind": decoded(data[8:12]), "handler": _handler_name(data[24:])}
    table = media.path(b"minf", b"stbl", b"stsd") if media else None
    if table is not None:
        found["codec"] = decoded(table.source.at(table.start + 12, 4))
    size = track.child(b"tkhd")
    if size is not None:
        data = size.payload(256)[-8:]
        found |= {"width": int.from_bytes(data[:2], "big"), "height": int.from_bytes(data[4:6], "big")}
    return found


def _handler_name(data: bytes) -> str | None:
    """C text in ISO files; in QuickTime's a byte says its length."""
    counted = data[:1] and data[0] == len(data.rstrip(b"\x00")) - 1
    return decoded(data[1:] if counted else data)


def _read_user_data(data: Box, entries: dict[str, str]) -> None:
    """QuickTime's `udta`: international texts (©xyz), 3GPP's texts, and iTunes' list inside a `meta` box."""
    for box in data.children():
        if box.kind == b"meta":
            _read_keys(box, entries)
        elif box.kind[:1] == b"\xa9" and 4 < box.length <= ENTRY_BYTES:
            content = box.payload(ENTRY_BYTES)
            value = decoded(content[4 : 4 + int.from_bytes(content[:2], "big")])
            _keep(entries, box.kind, value)
        elif box.kind == b"loci" and box.length <= ENTRY_BYTES:
            _keep(entries, box.kind, _location(box.payload(ENTRY_BYTES)))
        elif box.kind in _3GPP and 6 < box.length <= ENTRY_BYTES:
            content = box.payload(ENTRY_BYTES)[6:]
            marked = content[:2] in (b"\xfe\xff", b"\xff\xfe")
            _keep(
                entries, box.kind, decoded(content.decode("utf-16", "replace").encode()) if marked else decoded(content)
            )


def _location(content: bytes) -> str | None:
    """3GPP TS 26.244 §8.2.9 `loci`, told as the other formats write places: a name, its role, then longitude, latitude
    and altitude as fixed-point numbers.
    """
    _name, _, numbers = content[6:].partition(b"\x00")
    if len(numbers) < 13:
        return None
    longitude, latitude, altitude = (
        decimal(Fraction(int.from_bytes(numbers[at : at + 4], "big", signed=True), 65_536)) for at in (1, 5, 9)
    )
    signed = (("" if value.startswith("-") else "+") + value for value in (latitude, longitude, altitude))
    return "".join(signed) + "/"


def _keep(entries: dict[str, str], kind: bytes, value: str | None) -> None:
    if value and len(entries) < 500:
        entries.setdefault(kind.decode("latin-1"), value)


def _read_keys(meta: Box, entries: dict[str, str]) -> None:
    """QuickTime's metadata: `keys` names them, `ilst` holds the values by number; or `ilst` alone, named by type."""
    # A `meta` box is a full box in ISO files and a plain one in QuickTime's.
    skip = 0 if meta.source.at(meta.start + 4, 4) in (b"hdlr", b"keys", b"ilst") else 4
    keys, values = meta.child(b"keys", skip), meta.child(b"ilst", skip)
    names: list[bytes] = [key.payload(1_024) for key in keys.children(8)] if keys else []
    for entry in values.children() if values else ():
        number = int.from_bytes(entry.kind, "big")
        name = names[number - 1] if 1 <= number <= len(names) else entry.kind
        value = entry.child(b"data")
        if value is None or not 8 < value.length <= ENTRY_BYTES:
            continue
        content = value.payload(ENTRY_BYTES)
        if int.from_bytes(content[:4], "big") in (0, 1):  # UTF-8, or not said
            _keep(entries, name, decoded(content[8:]))


def _place(value: str | None) -> dict[str, object] | None:
    """ISO 6709 annex H, in degrees with a fraction, as phones write it."""
    found = _ISO_6709.match(value or "")
    if found is None:
        return None
    return {"latitude": _signed(found[1]), "longitude": _signed(found[2]), "altitude_m": _signed(found[3])}


def _signed(digits: str | None) -> str | None:
    if digits is None:
        return None
    whole, _, part = digits[1:].partition(".")
    number = (whole.lstrip("0") or "0") + (f".{part.rstrip('0')}" if part.rstrip("0") else "")
    return f"-{number}" if digits[0] == "-" and number != "0" else number
