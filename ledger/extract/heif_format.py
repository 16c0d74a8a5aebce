"""HEIC, HEIF, AVIF (ISO/IEC 23008-12): items in a `meta` box; EXIF and XMP are items beside the picture's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.extract import c2pa
from ledger.extract.boxes import Box, boxes
from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.picture import PICTURE, apply_xmp, conclude
from ledger.extract.source import Source
from ledger.extract.values import listing

MEDIA_TYPES: Final = ("image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence", "image/avif")
VERSION: Final = 1
LIBRARIES: Final = ("pillow",)
FIELDS: Final = (
    *PICTURE,
    Field("brands", "the file's major and compatible brands", "ftyp"),
    Field("items", "kinds of the items and how many of each: tiles, depth maps, previews", "iinf"),
)
NAMES: Final = names_of(FIELDS)

ITEMS_MAX: Final = 10_000
"""Items of one file: a panorama in tiles of 512 pixels has some hundred."""

ITEM_BYTES: Final = 8 * 1024 * 1024
"""Bytes of an EXIF or XMP item."""

_FULL: Final = 4  # version and flags at the start of a full box


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    kind: bytes
    content_type: bytes


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    findings.put("exif", False)
    findings.put("c2pa", c2pa.absent())
    with findings.attempt("boxes"):
        for box in boxes(source, 0, source.size):
            if box.kind == b"ftyp":
                findings.put("brands", brands(box))
            elif box.kind == b"meta":
                with findings.attempt("meta"):
                    _read_meta(box, findings)
            elif box.kind == b"uuid":
                take_store(box, findings)
    conclude(findings)


def brands(box: Box) -> dict[str, object]:
    """The brands of a `ftyp` box: the major one first."""
    data = box.payload(4_096)
    return listing([data[at : at + 4].decode("latin-1").strip() for at in (0, *range(8, len(data) - 3, 4))], limit=50)


def take_store(box: Box, findings: Findings) -> None:
    """Fill `c2pa` from a `uuid` box, where it is Content Credentials'."""
    data = box.source.at(box.start, min(box.length, c2pa.STORE_BYTES))
    if data.startswith(c2pa.MEDIA_BOX_UUID):
        findings.put("c2pa", c2pa.describe(data[16:], "uuid box"))


def _read_meta(meta: Box, findings: Findings) -> None:
    from ledger.extract.exif import read_exif

    items = list(_items(meta))
    kinds: dict[str, int] = {}
    for item in items:
        name = item.kind.decode("latin-1")
        kinds[name] = kinds.get(name, 0) + 1
    findings.put("items", kinds)
    with findings.attempt("size"):
        _read_properties(meta, findings)
    for item in items:
        if item.kind == b"Exif" and not findings.get("exif"):
            with findings.attempt("exif"):
                data = _item_bytes(meta, item.number)
                read_exif(data[4 + int.from_bytes(data[:4], "big") :], findings)  # annex A.2.1: offset to the header
        elif item.kind == b"mime" and item.content_type == b"application/rdf+xml":
            with findings.attempt("xmp"):
                apply_xmp(_item_bytes(meta, item.number), findings)


def _items(meta: Box) -> Iterator[_Item]:
    """The entries of `iinf` (ISO/IEC 14496-12 §8.11.6), versions 2 and 3 of `infe`."""
    information = meta.child(b"iinf", _FULL)
    if information is None:
        raise ExtractError("no items")
    wide = information.payload(ITEM_BYTES)[0] != 0
    for count, entry in enumerate(information.children(8 if wide else 6)):
        if count >= ITEMS_MAX:
            raise ExtractError("too many items")
        data = entry.payload(4_096)
        if entry.kind != b"infe" or len(data) < 12 or data[0] not in (2, 3):
            continue
        width = 2 if data[0] == 2 else 4
        number = int.from_bytes(data[4 : 4 + width], "big")
        kind = data[6 + width : 10 + width]
        _name, _, rest = data[10 + width :].partition(b"\x00")
        yield _Item(number, kind, rest.split(b"\x00", 1)[0])


def _read_properties(meta: Box, findings: Findings) -> None:
    """The size shown: the largest extent (tiles and thumbnails are smaller), cut to its clean aperture; the profile."""
    properties = meta.child(b"iprp", _FULL)
    container = properties.child(b"ipco") if properties else None
    sizes: list[tuple[int, int]] = []
    cuts: list[int | None] = []
    for box in container.children() if container else ():
        if box.kind == b"ispe":
            data = box.payload(64)
            sizes.append((int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")))
        elif box.kind == b"clap" and not cuts:
            data = box.payload(64)
            cuts = [_quotient(data[:8]), _quotient(data[8:16])]
        elif box.kind == b"colr" and box.source.at(box.start, 4) in (b"prof", b"rICC"):
            findings.put("icc_profile", box.length - 4)
    if sizes:
        width, height = max(sizes, key=lambda size: size[0] * size[1])
        across, down = cuts or (None, None)
        findings.put("width", across or width)
        findings.put("height", down or height)


def _quotient(data: bytes) -> int | None:
    """A clean aperture's side, a fraction (ISO/IEC 14496-12 §12.1.4.2); None for nonsense."""
    top, bottom = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
    return top // bottom if bottom else None


def _item_bytes(meta: Box, number: int) -> bytes:
    """An item's bytes, by `iloc` (ISO/IEC 14496-12 §8.11.3): in the file, or in the `idat` box."""
    location = meta.child(b"iloc", _FULL)
    if location is None:
        raise ExtractError("no places of items")
    method, extents = _extents(location.payload(ITEM_BYTES), number)
    base = 0
    if method == 1:
        inside = meta.child(b"idat", _FULL)
        if inside is None:
            raise ExtractError("no item data")
        base = inside.start
    elif method:
        raise ExtractError("an item made of other items")
    if sum(length for _, length in extents) > ITEM_BYTES:
        raise ExtractError(f"an item of more than {ITEM_BYTES} bytes")
    return b"".join(meta.source.exactly(base + offset, length) for offset, length in extents)


def _extents(data: bytes, wanted: int) -> tuple[int, list[tuple[int, int]]]:
    """Construction method and extents (offset, bytes) of an item."""
    reader = _Reader(data)
    version = reader.take(4) >> 24
    sizes = reader.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(min(reader.take(2 if version < 2 else 4), ITEMS_MAX)):
        number = reader.take(2 if version < 2 else 4)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)  # data reference
        base = reader.take(base_size)
        extents = []
        for _ in range(reader.take(2)):
            reader.take(index_size)
            offset = base + reader.take(offset_size)
            extents.append((offset, reader.take(length_size)))
        if number == wanted:
            return method, extents
    raise ExtractError("an item without a place")


class _Reader:
    """Big-endian numbers, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, width: int) -> int:
        if self._at + width > len(self._data):
            raise ExtractError("a box ends too early")
        self._at += width
        return int.from_bytes(self._data[self._at - width : self._at], "big")
