"""TIFF 6 and BigTIFF: scans, faxes, raw photographs. Every page is a directory; EXIF's tags stand in the first."""

from __future__ import annotations

from typing import Any, Final

from ledger.extract import c2pa
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.picture import FRAMES_MAX, PICTURE, apply_xmp, conclude
from ledger.extract.source import Source
from ledger.extract.values import decoded

MEDIA_TYPES: Final = ("image/tiff",)
VERSION: Final = 1
LIBRARIES: Final = ("pillow",)
FIELDS: Final = (
    *PICTURE,
    Field("document_name", "the document that was scanned", "TIFF DocumentName"),
    Field("page_name", "the page that was scanned", "TIFF PageName"),
    Field("compression", "how the pixels are packed, as Pillow names it", "TIFF Compression"),
)
NAMES: Final = names_of(FIELDS)

_DOCUMENT_NAME, _PAGE_NAME, _XMP, _ICC, _EXIF_DIRECTORY, _GPS, _C2PA = 269, 285, 700, 34675, 34665, 34853, 52545


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    from PIL import Image

    findings.put("exif", False)
    findings.put("c2pa", c2pa.absent())
    Image.MAX_IMAGE_PIXELS = None  # its warning is about decoding, and nothing is decoded here
    source.stream.seek(0)
    with findings.attempt("image"), Image.open(source.stream, formats=("TIFF",)) as image:
        findings.put("width", image.width)
        findings.put("height", image.height)
        findings.put("colour", image.mode)
        compression = image.info.get("compression")
        findings.put("compression", compression if isinstance(compression, str) else None)
        with findings.attempt("tags"):
            _read_tags(image.getexif(), findings)
        with findings.attempt("pages"):
            findings.put("frames", min(getattr(image, "n_frames", 1), FRAMES_MAX))
    conclude(findings)


def _read_tags(tags: Any, findings: Findings) -> None:
    from ledger.extract.exif import fill_from_tags, gps

    fill_from_tags(tags, tags.get_ifd(_EXIF_DIRECTORY), findings)
    findings.put("exif", _EXIF_DIRECTORY in tags)
    with findings.attempt("gps"):
        findings.put("gps", gps(tags.get_ifd(_GPS)))
    for name, tag in (("document_name", _DOCUMENT_NAME), ("page_name", _PAGE_NAME)):
        value = tags.get(tag)
        findings.put(name, decoded(value.encode("latin-1", "replace")) if isinstance(value, str) else None)
    profile = tags.get(_ICC)
    findings.put("icc_profile", len(profile) if isinstance(profile, bytes) else None)
    packet, store = tags.get(_XMP), tags.get(_C2PA)
    if isinstance(packet, bytes):
        with findings.attempt("xmp"):
            apply_xmp(packet, findings)
    if isinstance(store, bytes) and c2pa.is_store(store):
        findings.put("c2pa", c2pa.describe(store, "tag 52545"))
