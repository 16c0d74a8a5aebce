"""WebP, GIF, BMP and JPEG 2000: what messengers and the web make of pictures. EXIF and XMP stand in WebP alone."""

from __future__ import annotations

from typing import Final

from ledger.extract import c2pa
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.picture import PICTURE, apply_xmp, conclude, measure
from ledger.extract.source import Source
from ledger.extract.values import decoded

MEDIA_TYPES: Final = ("image/webp", "image/gif", "image/bmp", "image/jp2")
VERSION: Final = 1
LIBRARIES: Final = ("pillow",)
FIELDS: Final = (*PICTURE, Field("comment", "the comment", "GIF comment extension"))
NAMES: Final = names_of(FIELDS)

BLOCK_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one EXIF or XMP chunk that is read."""

CHUNKS_MAX: Final = 10_000
"""Chunks walked in a WebP: an animation has one for each frame."""

_PLUGINS: Final = {"image/webp": "WEBP", "image/gif": "GIF", "image/bmp": "BMP", "image/jp2": "JPEG2000"}


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    findings.put("exif", False)
    findings.put("c2pa", c2pa.absent())
    with findings.attempt("image"):
        measure(source, (_PLUGINS.get(source.media_type, "WEBP"),), findings)
    if source.media_type == "image/webp":
        with findings.attempt("chunks"):
            _read_chunks(source, findings)
    elif source.media_type == "image/gif":
        with findings.attempt("comment"):
            _read_comment(source, findings)
    conclude(findings)


def _read_chunks(source: Source, findings: Findings) -> None:
    """The RIFF chunks (RFC 9649 §2.3): type, length, payload, padded to two bytes."""
    from ledger.extract.exif import read_exif

    offset = 12
    for _ in range(CHUNKS_MAX):
        head = source.at(offset, 8)
        if len(head) < 8:
            return
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        if kind in (b"EXIF", b"XMP ", b"C2PA") and length <= BLOCK_BYTES:
            payload = source.exactly(offset + 8, length)
            with findings.attempt(kind.decode("ascii").strip()):
                if kind == b"EXIF":
                    read_exif(payload, findings)
                elif kind == b"XMP ":
                    apply_xmp(payload, findings)
                elif c2pa.is_store(payload):
                    findings.put("c2pa", c2pa.describe(payload, "C2PA chunk"))
        offset += 8 + length + length % 2


def _read_comment(source: Source, findings: Findings) -> None:
    from PIL import Image

    source.stream.seek(0)
    with Image.open(source.stream, formats=("GIF",)) as image:
        comment = image.info.get("comment")
        findings.put("comment", decoded(comment) if isinstance(comment, bytes) else None)
