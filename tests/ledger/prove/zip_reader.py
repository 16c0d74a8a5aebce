"""A reader of the bundle's zip profile, written from docs/spec/bundle.md alone: it accepts nothing else."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

ONES_32, ONES_16 = 0xFFFFFFFF, 0xFFFF


@dataclass(frozen=True)
class ReadMember:
    """A member: its name, and where its bytes lie."""

    name: str
    offset: int
    size: int
    crc: int


def read_members(file: BinaryIO, *, check_crc: bool = True) -> list[ReadMember]:
    """The members of a zip in the profile, in order. Asserts every rule on the way."""
    size = file.seek(0, 2)
    count, length, offset, ends = _end(file, size)
    assert offset + length == ends
    directory = _at(file, offset, length)
    members: list[ReadMember] = []
    expected = at = 0
    for _ in range(count):
        member, at, start, fixed = _central(directory, at)
        assert start == expected  # no gap, from byte 0 on
        member, expected = _local(file, member, start, fixed)
        if check_crc:
            assert crc32(_at(file, member.offset, member.size)) == member.crc
        members.append(member)
    assert at == len(directory) and expected == offset
    names = [member.name for member in members]
    assert names == sorted(names) and len({name.lower() for name in names}) == len(names)
    return members


def read_files(file: BinaryIO) -> dict[str, bytes]:
    """Name to bytes."""
    return {member.name: _at(file, member.offset, member.size) for member in read_members(file)}


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    assert len(data) == length
    return data


def _end(file: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Count, directory's length and offset, and where the end records begin."""
    end = struct.unpack("<4sHHHHIIH", _at(file, size - 22, 22))
    assert (end[0], end[1], end[2], end[7]) == (b"PK\x05\x06", 0, 0, 0) and end[3] == end[4]
    count, length, offset = end[4], end[5], end[6]
    if count != ONES_16 and ONES_32 not in (length, offset):
        return count, length, offset, size - 22
    locator = struct.unpack("<4sIQI", _at(file, size - 42, 20))
    assert (locator[0], locator[1], locator[2], locator[3]) == (b"PK\x06\x07", 0, size - 98, 1)
    big = struct.unpack("<4sQHHIIQQQQ", _at(file, size - 98, 56))
    assert (big[0], big[1], big[4], big[5]) == (b"PK\x06\x06", 44, 0, 0) and big[6] == big[7]
    for short, long, ones in ((count, big[7], ONES_16), (length, big[8], ONES_32), (offset, big[9], ONES_32)):
        assert short == long if short != ones else long >= ones  # zip64 only where it is needed
    return big[7], big[8], big[9], size - 98


def _central(directory: bytes, at: int) -> tuple[ReadMember, int, int, tuple[object, ...]]:
    head = struct.unpack_from("<4sHHHHHHIIIHHHHHII", directory, at)
    signature, _, _, flags, method, time, date, crc, packed, size, name_length, extra_length, comment, disk = head[:14]
    offset = head[16]
    assert (signature, flags, method, time, date, comment, disk) == (b"PK\x01\x02", 0, 0, 0, 0x21, 0, 0)
    assert packed == size
    name = directory[at + 46 : at + 46 + name_length]
    extra = directory[at + 46 + name_length : at + 46 + name_length + extra_length]
    wanted = [packed, size].count(ONES_32) + (offset == ONES_32)
    if wanted:
        assert struct.unpack_from("<HH", extra) == (1, 8 * wanted) and len(extra) == 4 + 8 * wanted
        values = list(struct.unpack_from(f"<{wanted}Q", extra, 4))
        assert all(value >= ONES_32 for value in values)
        if size == ONES_32:
            size, other = values.pop(0), values.pop(0)
            assert size == other
        offset = values.pop(0) if offset == ONES_32 else offset
    else:
        assert extra == b""
    text = name.decode("ascii")
    assert text and not text.startswith("/") and not text.endswith("/")
    assert all(part not in ("", ".", "..") for part in text.split("/"))
    assert all(c.isalnum() or c in "._/-" for c in text) and len(name) <= 255
    end = at + 46 + name_length + extra_length
    return ReadMember(text, 0, size, crc), end, offset, (flags, method, time, date, crc, head[8], head[9], name)


def _local(file: BinaryIO, member: ReadMember, start: int, fixed: tuple[object, ...]) -> tuple[ReadMember, int]:
    head = struct.unpack("<4sHHHHHIIIHH", _at(file, start, 30))
    assert head[0] == b"PK\x03\x04"
    name = _at(file, start + 30, head[9])
    assert (head[2], head[3], head[4], head[5], head[6], head[7], head[8], name) == fixed
    extra = _at(file, start + 30 + head[9], head[10])
    if member.size >= ONES_32:
        assert extra == struct.pack("<HHQQ", 1, 16, member.size, member.size)
    else:
        assert extra == b""
    begin = start + 30 + head[9] + head[10]
    return ReadMember(member.name, begin, member.size, member.crc), begin + member.size
