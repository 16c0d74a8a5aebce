"""WAV, and its broadcast form (EBU Tech 3285): recorders write who, with what and when into `bext` and `INFO`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.extract import c2pa
from ledger.extract.errors import ExtractError
from ledger.extract.fields import EXIFTOOL, Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import exif_time, iso_time
from ledger.extract.values import decoded, listing

MEDIA_TYPES: Final = ("audio/x-wav",)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("created_at", "when it was recorded, by the recorder's clock", "bext OriginationDate and Time, INFO ICRD"),
    Field("author", "who made it", "bext Originator, INFO IART"),
    Field("version", "version of the broadcast extension", "bext"),
    Field("software", "program or recorder", "INFO ISFT"),
    Field("title", "title", "INFO INAM"),
    Field("description", "description", "bext Description, INFO ICMT"),
    Field("originator_reference", "the recorder's own number for the recording", "bext"),
    Field("coding_history", "every coding it went through", "bext"),
    Field("time_reference", "samples since midnight at the start", "bext"),
    Field("info", "all entries of the INFO list", "LIST INFO"),
    Field("codec", "number of the coding; 1 is plain PCM", "fmt"),
    Field("channels", "number of channels", "fmt"),
    Field("sample_rate", "samples a second", "fmt"),
    Field("bits", "bits a sample", "fmt"),
    Field("duration_ms", "length in milliseconds", "data, fmt"),
    Field("chunks", "the chunks in order", "RIFF"),
    Field("trailing_bytes", "bytes after the end that the header tells", "RIFF"),
    Field("c2pa", "whether Content Credentials are there, and who made them; not checked", "C2PA chunk"),
    *EXIFTOOL,
)
NAMES: Final = names_of(FIELDS)

CHUNKS_MAX: Final = 10_000
"""Chunks walked."""

CHUNK_BYTES: Final = 1024 * 1024
"""Bytes of one chunk that is read; the sound itself is not."""

_UNKNOWN_SIZE: Final = 0xFFFFFFFF  # a stream, or RF64, whose ds64 chunk knows


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    findings.put("c2pa", c2pa.absent())
    kinds: list[str] = []
    sound = rate = 0
    try:
        for kind, start, length in _chunks(source):
            kinds.append(decoded(kind) or "")
            if kind == b"data":
                sound = length
            elif kind == b"fmt ":
                rate = _read_format(source.exactly(start, min(length, 40)), findings)
            elif kind == b"bext":
                with findings.attempt("bext"):
                    _read_broadcast(source.exactly(start, min(length, CHUNK_BYTES)), findings)
            elif kind == b"LIST" and source.at(start, 4) == b"INFO":
                with findings.attempt("info"):
                    _read_information(source.exactly(start + 4, min(length, CHUNK_BYTES) - 4), findings)
            elif kind == b"C2PA" and c2pa.is_store(store := source.at(start, min(length, c2pa.STORE_BYTES))):
                findings.put("c2pa", c2pa.describe(store, "C2PA chunk"))
    finally:
        findings.put("chunks", listing(kinds))
        findings.put("duration_ms", sound * 1000 // rate if rate and sound else None)
    told = int.from_bytes(source.at(4, 4), "little")
    findings.put("trailing_bytes", max(source.size - told - 8, 0) if told != _UNKNOWN_SIZE else None)


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Type, offset and length of each chunk; a length that leads beyond the end is cut there (recordings cut short)."""
    offset = 12
    for _ in range(CHUNKS_MAX):
        head = source.at(offset, 8)
        if len(head) < 8:
            return
        length = min(int.from_bytes(head[4:], "little"), source.size - offset - 8)
        yield head[:4], offset + 8, length
        offset += 8 + length + length % 2
    raise ExtractError("too many chunks")


def _read_format(data: bytes, findings: Findings) -> int:
    """Fill what `fmt` says; returns the bytes of a second."""
    if len(data) < 16:
        raise ExtractError("a format chunk that is too short")
    findings.put("codec", int.from_bytes(data[:2], "little"))
    findings.put("channels", int.from_bytes(data[2:4], "little"))
    findings.put("sample_rate", int.from_bytes(data[4:8], "little"))
    findings.put("bits", int.from_bytes(data[14:16], "little"))
    return int.from_bytes(data[8:12], "little")


def _read_broadcast(data: bytes, findings: Findings) -> None:
    """EBU Tech 3285 §2.3: fields of fixed width."""
    if len(data) < 602:
        raise ExtractError("a broadcast chunk that is too short")
    findings.put("description", decoded(data[:256]))
    findings.put("author", decoded(data[256:288]))
    findings.put("originator_reference", decoded(data[288:320]))
    day, clock = decoded(data[320:330]), decoded(data[330:338])
    # §2.3: the separators may be any of - _ : . and blank.
    separated = "".join("-" if c in "-_:. " else c for c in day or "")
    time = "".join(":" if c in "-_:. " else c for c in clock or "")
    findings.put("created_at", iso_time(f"{separated}T{time}") or iso_time(separated))
    findings.put("time_reference", int.from_bytes(data[338:346], "little"))
    findings.put("version", str(int.from_bytes(data[346:348], "little")))
    findings.put("coding_history", decoded(data[602:]))


def _read_information(data: bytes, findings: Findings) -> None:
    found: dict[str, str] = {}
    at = 0
    while at + 8 <= len(data) and len(found) < 200:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        value = decoded(data[at + 8 : at + 8 + length])
        if value:
            found.setdefault(data[at : at + 4].decode("latin-1"), value)
        at += 8 + length + length % 2
    findings.put("info", found or None)
    created = found.get("ICRD")
    findings.put_first("created_at", iso_time(created), exif_time(created))
    findings.put_first("author", found.get("IART"))
    findings.put_first("description", found.get("ICMT"))
    findings.put("software", found.get("ISFT"))
    findings.put("title", found.get("INAM"))
