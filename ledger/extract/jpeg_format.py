"""JPEG (ISO/IEC 10918-1, JFIF, EXIF): its segments, read one by one up to the image itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.extract import c2pa
from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.picture import PICTURE, apply_xmp, conclude, hint, measure
from ledger.extract.source import Source
from ledger.extract.values import decoded, listing

MEDIA_TYPES: Final = ("image/jpeg",)
VERSION: Final = 1
LIBRARIES: Final = ("pillow",)
FIELDS: Final = (
    *PICTURE,
    Field("comment", "the comment segment", "JPEG COM"),
    Field("segments", "the segments before the image, in order: tells which programs wrote it", "JPEG markers"),
    Field("trailing_bytes", "bytes after the end of the image: motion photos, hidden files", "JPEG EOI"),
)
NAMES: Final = names_of(FIELDS)

SEGMENTS_MAX: Final = 2_000
"""Segments read before the image: large XMP and C2PA blocks take some hundred of 64 KiB."""

IMAGE_BYTES: Final = 128 * 1024 * 1024
"""Bytes of compressed image that are looked through for its end."""

_EXIF: Final = b"Exif\x00\x00"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_PHOTOSHOP: Final = b"Photoshop 3.0\x00"
_START_OF_SCAN, _END_OF_IMAGE, _COMMENT, _APP1, _APP11, _APP13 = 0xDA, 0xD9, 0xFE, 0xE1, 0xEB, 0xED
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_APPLICATION: Final = range(0xE0, 0xF0)


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    from ledger.extract.exif import read_exif

    findings.put("exif", False)
    findings.put("c2pa", c2pa.absent())
    with findings.attempt("image"):
        measure(source, ("JPEG", "MPO"), findings)
    kinds: list[str] = []
    boxes = bytearray()
    with findings.attempt("segments"):
        for marker, payload in segments(source):
            kinds.append(_kind(marker, payload))
            if marker == _APP1 and payload.startswith(_EXIF) and not findings.get("exif"):
                with findings.attempt("exif"):
                    read_exif(payload, findings)
            elif marker == _APP1 and payload.startswith(_XMP) and findings.get("xmp") is None:
                with findings.attempt("xmp"):
                    apply_xmp(payload[len(_XMP) :], findings)
            elif marker == _COMMENT:
                findings.put_first("comment", decoded(payload))
            elif marker == _APP11 and payload.startswith(b"JP") and len(boxes) < c2pa.STORE_BYTES:
                # ISO/IEC 19566-5 §D: "JP", box instance (2), sequence (4); from the second on, length and type repeat.
                boxes += payload[8:] if not boxes else payload[16:]
    findings.put("segments", listing(kinds))
    if c2pa.is_store(bytes(boxes)):
        findings.put("c2pa", c2pa.describe(bytes(boxes), "APP11"))
    with findings.attempt("end"):
        findings.put("trailing_bytes", _trailing(source))
    conclude(findings, *([hint("photoshop_block")] if any("Photoshop" in kind for kind in kinds) else []))


def segments(source: Source) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment up to the first scan. Raises ExtractError where the chain breaks."""
    for marker, offset, length in _walk(source, 0):
        yield marker, source.exactly(offset, length)


def _walk(source: Source, start: int) -> Iterator[tuple[int, int, int]]:
    """Marker, offset and length of each segment's payload; the scan itself last, with length 0."""
    offset = start + 2
    if source.at(start, 2) != b"\xff\xd8":
        raise ExtractError("no start of image")
    for _ in range(SEGMENTS_MAX):
        head = source.exactly(offset, 4) if offset + 4 <= source.size else source.exactly(offset, 2)
        if head[0] != 0xFF:
            raise ExtractError("a segment is missing its marker")
        marker = head[1]
        if marker == 0xFF:
            offset += 1  # fill byte
        elif marker in _ALONE:
            offset += 2
        elif marker == _END_OF_IMAGE:
            return
        else:
            length = int.from_bytes(head[2:4], "big")
            if length < 2:
                raise ExtractError("a segment is shorter than its length")
            if marker == _START_OF_SCAN:
                yield marker, offset + 2 + length, 0
                return
            yield marker, offset + 4, length - 2
            offset += 2 + length
    raise ExtractError("too many segments")


def _kind(marker: int, payload: bytes) -> str:
    if marker in _APPLICATION:
        label = payload[:40].split(b"\x00", 1)[0]
        readable = label.isascii() and label.decode("ascii").isprintable()
        return f"APP{marker - 0xE0} {label.decode('ascii')}".strip() if readable else f"APP{marker - 0xE0}"
    known = {_COMMENT: "COM", 0xDB: "DQT", 0xC4: "DHT", 0xDD: "DRI", _START_OF_SCAN: "SOS", 0xC0: "SOF0", 0xC2: "SOF2"}
    return known.get(marker, f"{marker:02X}")


def _trailing(source: Source) -> int | None:
    """Bytes after the first image's end; None where it has none within IMAGE_BYTES."""
    offset = next((offset for marker, offset, _ in _walk(source, 0) if marker == _START_OF_SCAN), None)
    if offset is None:
        raise ExtractError("no image")
    end = min(source.size, offset + IMAGE_BYTES)
    previous = b""
    while offset < end:
        chunk = source.at(offset, min(1024 * 1024, end - offset))
        # Within a scan 0xFF is followed by 0x00 or a restart marker; tables between scans could hold these two bytes,
        # but encoders' tables do not.
        found = (previous + chunk).find(b"\xff\xd9")
        if found >= 0:
            return source.size - (offset - len(previous) + found + 2)
        offset += len(chunk)
        previous = chunk[-1:]
    return None
