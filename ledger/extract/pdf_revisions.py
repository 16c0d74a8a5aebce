"""The states in which a PDF was saved (ISO 32000-2 §7.5.6): each incremental update adds a part and an end marker."""

from __future__ import annotations

import re
from typing import Final

from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.values import listing

SCAN_BYTES: Final = 2 * 1024 * 1024 * 1024
"""Bytes looked through for end markers; larger PDF files do not come from people."""

_END: Final = re.compile(rb"startxref[\x00\t\n\f\r ]{1,8}(\d{1,19})[\x00\t\n\f\r ]{1,8}%%EOF")
_OVERLAP: Final = 64  # longer than any end marker
_HEAD_BYTES: Final = 1_024  # §F.3.2: the linearization dictionary lies within the first 1,024 bytes


def read_revisions(source: Source, findings: Findings) -> None:
    """Fill `revisions`, `incremental_updates` and `linearized`."""
    ends = _ends(source)
    linearized = b"/Linearized" in source.at(0, _HEAD_BYTES)
    # A linearized file has a first cross-reference part near its beginning, with an end marker of its own.
    states = ends[1:] if linearized and len(ends) > 1 else ends
    findings.put("linearized", linearized)
    findings.put("revisions", listing({"ends_at": end} for end in states))
    findings.put("incremental_updates", max(len(states) - 1, 0))


def _ends(source: Source) -> list[int]:
    """The offsets after each end marker. A marker inside a compressed stream is not seen; one that a writer put in an
    uncompressed stream is counted, which is why the offsets are told and not only their number.
    """
    found: list[int] = []
    kept, offset = b"", 0
    for chunk in source.chunks(SCAN_BYTES):
        window = kept + chunk
        start = offset - len(kept)
        found += [start + match.end() for match in _END.finditer(window) if start + match.end() > (found or [0])[-1]]
        offset += len(chunk)
        kept = window[-_OVERLAP:]
    return found
