"""The file that is read, as readers see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from ledger.extract.errors import ExtractError

_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One file: a seekable stream, its size in bytes, and what the ledger knows beside its bytes.

    media_type -- by content, decided before
    file_name  -- the submitter's; a hint for chats, whose exports say nowhere else whose they are
    dkim_keys  -- DNS name (`selector._domainkey.domain`) to TXT record, given with the evidence by its submitter
    """

    stream: BinaryIO
    size: int
    media_type: str
    file_name: str
    dkim_keys: Mapping[str, str] = field(default_factory=dict)

    def at(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer where the file ends."""
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        self.stream.seek(offset)
        return self.stream.read(min(length, self.size - offset))

    def exactly(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`. Raises ExtractError where the file ends before."""
        data = self.at(offset, length)
        if len(data) != length:
            raise ExtractError("the file ends too early")
        return data

    def whole(self, limit: int) -> bytes:
        """All bytes. Raises ExtractError for a file of more than `limit` bytes."""
        if self.size > limit:
            raise ExtractError(f"larger than {limit} bytes")
        return self.at(0, self.size)

    def chunks(self, limit: int) -> Iterator[bytes]:
        """The first `limit` bytes, or all of them, a megabyte at a time."""
        self.stream.seek(0)
        left = min(limit, self.size)
        while left > 0 and (chunk := self.stream.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
