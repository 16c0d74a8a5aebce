"""7z and RAR: what the headers say in clear. Their listings are packed as well, or need a program that unpacks."""

from __future__ import annotations

from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import EXIFTOOL, Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source

MEDIA_TYPES: Final = ("application/x-7z-compressed", "application/vnd.rar")
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("packing", "7z or rar", "signature"),
    Field("version", "version of the format", "header"),
    Field("header_encrypted", "whether even the names are under a password; null: cannot be told", "RAR header"),
    Field("solid", "whether files are packed as one", "RAR header"),
    Field("volume", "whether it is one part of several", "RAR header"),
    Field("header_bytes", "bytes of the packed directory at the end", "7z header"),
    *EXIFTOOL,
)
NAMES: Final = names_of(FIELDS)

_RAR4: Final = b"Rar!\x1a\x07\x00"
_RAR5: Final = b"Rar!\x1a\x07\x01\x00"


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    head = source.at(0, 64)
    if head.startswith(b"7z"):
        if len(head) < 32:
            raise ExtractError("the file ends too early")
        findings.put("packing", "7z")
        findings.put("version", f"{head[6]}.{head[7]}")
        findings.put("header_bytes", int.from_bytes(head[20:28], "little"))
        return
    findings.put("packing", "rar")
    if head.startswith(_RAR5):
        _read_rar5(head[len(_RAR5) :], findings)
    elif head.startswith(_RAR4) and len(head) >= 14:
        flags = int.from_bytes(head[10:12], "little")  # of the archive header, the first block
        findings.put("version", "4")
        findings.put("volume", bool(flags & 0x0001))
        findings.put("solid", bool(flags & 0x0008))
        findings.put("header_encrypted", bool(flags & 0x0080))
    else:
        raise ExtractError("an unknown version")


def _read_rar5(data: bytes, findings: Findings) -> None:
    """RAR 5.0 technote: CRC (4), then numbers of 7 bits a byte: size, type, flags …"""
    findings.put("version", "5")
    numbers: list[int] = []
    at = 4
    while at < len(data) and len(numbers) < 5:
        value = shift = 0
        while at < len(data):
            value |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 0x80:
                break
        numbers.append(value)
    if len(numbers) < 5:
        raise ExtractError("the file ends too early")
    _size, kind, flags, following, after = numbers
    findings.put("header_encrypted", kind == 4)
    if kind == 1:
        archive = after if flags & 1 else following  # an extra area brings a size of its own before
        findings.put("volume", bool(archive & 1))
        findings.put("solid", bool(archive & 4))
