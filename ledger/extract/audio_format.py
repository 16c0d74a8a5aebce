"""MP3, Ogg, FLAC, AIFF, Windows Media: tags and length, read with tinytag."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from ledger.extract import c2pa
from ledger.extract.fields import EXIFTOOL, Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import iso_time
from ledger.extract.values import text

MEDIA_TYPES: Final = ("audio/mpeg", "audio/ogg", "audio/flac", "audio/aiff", "video/x-ms-asf")
VERSION: Final = 1
LIBRARIES: Final = ("tinytag",)
FIELDS: Final = (
    Field("created_at", "when it was recorded, as the tag says", "TDRC, TYER, date"),
    Field("author", "who made it", "artist tags"),
    Field("version", "its version, as the tag says", "version tag"),
    Field("title", "title", "title tags"),
    Field("description", "comment", "comment tags"),
    Field("album", "album: recorders put a folder or place here", "album tags"),
    Field("software", "the program that coded it", "encoder tags"),
    Field("duration_ms", "length in milliseconds, as the headers say", "stream headers"),
    Field("channels", "number of channels", "stream headers"),
    Field("sample_rate", "samples a second", "stream headers"),
    Field("bitrate_kbps", "thousand bits a second, rounded", "stream headers"),
    Field("tags", "all other tags by name", "ID3, Vorbis comments, AIFF, ASF"),
    Field("c2pa", "whether Content Credentials are there, and who made them; not checked", "ID3 GEOB"),
    *EXIFTOOL,
)
NAMES: Final = names_of(FIELDS)

HEAD_BYTES: Final = 1024 * 1024
"""Bytes at the beginning that are searched for Content Credentials; ID3 stands there."""


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    from tinytag import TinyTag

    head = source.at(0, HEAD_BYTES)
    at = head.find(c2pa.BOX_TYPE)
    store = head[at - 4 :] if at >= 4 and head.startswith(b"ID3") else b""
    findings.put("c2pa", c2pa.describe(store, "ID3") if c2pa.is_store(store) else c2pa.absent())
    source.stream.seek(0)
    tag = TinyTag.get(filename=f"evidence{_ENDINGS.get(source.media_type, '')}", file_obj=source.stream)
    findings.put("title", tag.title)
    findings.put("author", tag.artist)
    findings.put("album", tag.album)
    findings.put("description", tag.comment)
    findings.put("created_at", iso_time(tag.year))
    findings.put("duration_ms", _scaled(tag.duration, 1000))
    findings.put("channels", tag.channels)
    findings.put("sample_rate", tag.samplerate)
    findings.put("bitrate_kbps", _scaled(tag.bitrate, 1))
    others = {
        name: [text(str(value), 1_000) for value in values[:20]] for name, values in list(tag.other.items())[:200]
    }
    findings.put("tags", others or None)
    for field, names in {
        "software": ("encoded_by", "encoder_settings", "encoder", "encoding"),
        "version": ("version",),
    }.items():
        findings.put(field, next((others[name][0] for name in names if others.get(name)), None))


_ENDINGS: Final = {"audio/mpeg": ".mp3", "audio/ogg": ".ogg", "audio/flac": ".flac", "audio/aiff": ".aiff",
                   "video/x-ms-asf": ".wma"}  # fmt: skip


def _scaled(value: float | None, factor: int) -> int | None:
    """A float of the library as a whole number; None for none, infinity and what is no number."""
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return None
    return round(Fraction(value) * factor)
