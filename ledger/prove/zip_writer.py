"""A zip that can be read in one way only (docs/spec/bundle.md, "Zip profile"): stored, contiguous, sorted, dateless."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

_DOS_DATE = 0x0021  # 1980-01-01: the only date that says nothing
_ALL_ONES_32 = 0xFFFFFFFF
_ALL_ONES_16 = 0xFFFF
_VERSION = 20
_VERSION_ZIP64 = 45


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the zip: its name (ASCII), size in bytes, CRC-32, SHA-256 (32 bytes), and where its bytes come
    from.
    """

    name: str
    size: int
    crc32: int
    sha256: bytes
    read: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, name: str, data: bytes) -> Member:
        """A member whose bytes are at hand."""
        return cls(name, len(data), zlib.crc32(data), sha256(data).digest(), lambda: iter((data,)))


def zip_length(members: Sequence[Member]) -> int:
    """The length in bytes of what `write_zip` gives for these members."""
    *_, end = _central(members)
    return end[0] + len(end[1])


def write_zip(members: Sequence[Member]) -> Iterator[bytes]:
    """The zip, a part at a time; memory does not grow with the members. They must be ascending by the bytes of
    `name`.
    """
    for member in members:
        yield _local_header(member)
        yield from member.read()
    for _, part in _central(members):
        yield part


def _local_header(member: Member) -> bytes:
    big = member.size >= _ALL_ONES_32
    size = _ALL_ONES_32 if big else member.size
    extra = struct.pack("<HHQQ", 1, 16, member.size, member.size) if big else b""
    name = member.name.encode("ascii")
    version = _VERSION_ZIP64 if big else _VERSION
    fixed = (version, 0, 0, 0, _DOS_DATE, member.crc32, size, size, len(name), len(extra))
    return struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *fixed) + name + extra


def _central(members: Sequence[Member]) -> Iterator[tuple[int, bytes]]:
    """The central directory and the end records, each part with its offset in the file."""
    offset = 0
    headers: list[bytes] = []
    for member in members:
        headers.append(_central_header(member, offset))
        offset += len(_local_header(member)) + member.size
    directory = b"".join(headers)
    yield offset, directory
    yield offset + len(directory), _end_records(len(members), offset, len(directory))


def _central_header(member: Member, offset: int) -> bytes:
    big, far = member.size >= _ALL_ONES_32, offset >= _ALL_ONES_32
    values = [member.size, member.size] * big + [offset] * far
    extra = struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""
    size = _ALL_ONES_32 if big else member.size
    name = member.name.encode("ascii")
    version = _VERSION_ZIP64 if values else _VERSION
    head = (version, version, 0, 0, 0, _DOS_DATE, member.crc32, size, size, len(name), len(extra))
    place = (0, 0, 0, 0, _ALL_ONES_32 if far else offset)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", *head, *place) + name + extra


def _end_records(count: int, offset: int, length: int) -> bytes:
    many, far, long = count >= _ALL_ONES_16, offset >= _ALL_ONES_32, length >= _ALL_ONES_32
    records = b""
    if many or far or long:
        fixed = (44, _VERSION_ZIP64, _VERSION_ZIP64, 0, 0, count, count, length, offset)
        records += struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *fixed)
        records += struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + length, 1)
    short = _ALL_ONES_16 if many else count
    where = (_ALL_ONES_32 if long else length, _ALL_ONES_32 if far else offset)
    return records + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, short, short, *where, 0)
