"""The boxes of the ISO base media file format (ISO/IEC 14496-12 §4.2): MP4, MOV, 3GP, HEIC, AVIF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.source import Source

BOXES_MAX: Final = 50_000
"""Boxes walked at one level: a fragmented recording has two for each second or so."""

PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one box that is read into memory."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, and where its payload lies in the file."""

    kind: bytes
    start: int
    end: int
    source: Source

    @property
    def length(self) -> int:
        """Bytes of the payload."""
        return self.end - self.start

    def payload(self, limit: int = PAYLOAD_BYTES) -> bytes:
        """The payload. Raises ExtractError where it is longer than `limit`, or the file ends before."""
        if self.length > limit:
            raise ExtractError(f"a box of more than {limit} bytes")
        return self.source.exactly(self.start, self.length)

    def children(self, skip: int = 0) -> Iterator[Box]:
        """The boxes inside, after `skip` bytes of the payload (4 in a full box)."""
        return boxes(self.source, self.start + skip, self.end)

    def child(self, kind: bytes, skip: int = 0) -> Box | None:
        """The first box of a type inside."""
        return next((box for box in self.children(skip) if box.kind == kind), None)

    def path(self, *kinds: bytes) -> Box | None:
        """The first box along a path of types."""
        found: Box | None = self
        for kind in kinds:
            found = found.child(kind) if found else None
        return found


def boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. A length that leads outside ends the walk with ExtractError."""
    offset = start
    for _ in range(BOXES_MAX):
        if end - offset < 8:
            return  # less than a head is padding (QuickTime ends lists with four zero bytes)
        head = source.exactly(offset, 8)
        length, kind, header = int.from_bytes(head[:4], "big"), head[4:], 8
        if length == 1:
            length, header = int.from_bytes(source.exactly(offset + 8, 8), "big"), 16
        elif length == 0:
            length = end - offset
        if length < header or offset + length > end:
            raise ExtractError("a box leads out of its place")
        yield Box(kind, offset + header, offset + length, source)
        offset += length
    raise ExtractError("too many boxes")
