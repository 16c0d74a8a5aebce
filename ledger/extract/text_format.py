"""Texts without a format of their own: plain text, JSON, XML, vCards. They say little of themselves."""

from __future__ import annotations

import codecs
from typing import Final

from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source

MEDIA_TYPES: Final = ("text/plain", "application/json", "application/xml", "text/vcard", "text/calendar")
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("encoding", "character set: utf-8, utf-16, or null where it is neither", "the bytes"),
    Field("byte_order_mark", "whether one stands at the beginning: Windows programs write it", "the bytes"),
    Field("lines", "number of lines", "the bytes"),
    Field("line_ends", "how lines end: lf, crlf, cr, mixed, none", "the bytes"),
    Field("bytes_read", "how far the file was read", "this room"),
)
NAMES: Final = names_of(FIELDS)

READ_BYTES: Final = 256 * 1024 * 1024
"""Bytes that are looked through."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    head = source.at(0, 4)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    decoder = codecs.getincrementaldecoder(marked or "utf-8")()
    sound = True
    read_bytes = newlines = pairs = returns = 0
    last = b""
    for chunk in source.chunks(READ_BYTES):
        read_bytes += len(chunk)
        try:
            decoded = decoder.decode(chunk).encode("utf-8", "surrogatepass") if sound else chunk
        except UnicodeDecodeError:
            sound, decoded = False, chunk
        plain = decoded if marked == "utf-16" else chunk
        newlines += plain.count(b"\n")
        returns += plain.count(b"\r")
        pairs += plain.count(b"\r\n") + (last == b"\r" and plain.startswith(b"\n"))
        last = plain[-1:] or last
    findings.put("encoding", (marked or "utf-8") if sound else None)
    findings.put("byte_order_mark", marked is not None)
    ends = newlines + returns - pairs
    findings.put("lines", ends + (last not in (b"", b"\n", b"\r")))
    findings.put("line_ends", _line_ends(newlines, returns, pairs))
    findings.put("bytes_read", read_bytes)


def _line_ends(newlines: int, returns: int, pairs: int) -> str:
    kinds = {"crlf": pairs, "lf": newlines - pairs, "cr": returns - pairs}
    present = [name for name, number in kinds.items() if number]
    return present[0] if len(present) == 1 else "mixed" if present else "none"
