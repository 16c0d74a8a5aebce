"""The records of a zip file in the profile's one reading of them (docs/spec/bundle.md, "Zip profile").

Only fields; where they lie in the file is container.py's matter.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from verifier.errors import StepFailed

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR_SIGNATURE = b"PK\x06\x07"

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
LOCAL_SIZE = _LOCAL.size
CENTRAL_SIZE = _CENTRAL.size
END_SIZE = _END.size
END64_SIZE = _END64.size
LOCATOR_SIZE = _LOCATOR.size

ONES_16, ONES_32 = 0xFFFF, 0xFFFFFFFF
_UTF8_NAME = 1 << 11
_DATE = 0x21  # 1980-01-01
_ZIP64_ID = 0x0001
_MAX_NAME = 255
_NAME = re.compile(rb"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
# What follows a name at most in a central directory: a zip64 field of two sizes and an offset.
MAX_CENTRAL_ENTRY = CENTRAL_SIZE + _MAX_NAME + 4 + 3 * 8


@dataclass(frozen=True)
class Member:
    """A member as its central directory entry states it: `size` and `offset` (of its local header) in bytes."""

    name: str
    flags: int
    crc: int
    size: int
    offset: int
    zip64_sizes: bool


@dataclass(frozen=True)
class End:
    """The end records: `count` members, the central directory's `offset` and `size`, in bytes."""

    count: int
    size: int
    offset: int


def broken(detail: str) -> StepFailed:
    """The failure of step 1 that a breach of the zip profile is."""
    return StepFailed(1, f"the zip profile: {detail}")


def parse_end(data: bytes) -> End:
    """The end record, with values that may be all ones; `data` is END_SIZE bytes. Raises StepFailed."""
    signature, disk, first_disk, here, count, size, offset, comment = _END.unpack(data)
    if signature != END_SIGNATURE:
        raise broken("the file should end with an end record without a comment")
    if disk or first_disk or here != count or comment:
        raise broken("the archive should have one disk and no comment")
    return End(count, size, offset)


def needs_zip64(end: End) -> bool:
    """Whether a value of the end record is all ones, so that the zip64 records hold it."""
    return end.count == ONES_16 or ONES_32 in (end.size, end.offset)


def parse_locator(data: bytes) -> int:
    """The offset of the zip64 end record; `data` is LOCATOR_SIZE bytes. Raises StepFailed."""
    signature, disk, offset, disks = _LOCATOR.unpack(data)
    if signature != LOCATOR_SIGNATURE or disk or disks != 1 or not isinstance(offset, int):
        raise broken("an end record with a value of all ones should follow a zip64 locator of one disk")
    return offset


def parse_end64(data: bytes, short: End) -> End:
    """The zip64 end record, demanded to be needed by and to agree with the short one. Raises StepFailed."""
    signature, rest, _, _, disk, first_disk, here, count, size, offset = _END64.unpack(data)
    if signature != END64_SIGNATURE or rest != END64_SIZE - 12 or disk or first_disk or here != count:
        raise broken("the zip64 end record should be of one disk and without extensions")
    clipped = End(min(count, ONES_16), min(size, ONES_32), min(offset, ONES_32))
    if clipped != short:
        raise broken("the zip64 end record is not needed, or differs from the end record")
    return End(count, size, offset)


def parse_central(data: bytes, at: int) -> tuple[Member, int]:
    """The central directory entry at `at`, and where it ends. Raises StepFailed."""
    if len(data) - at < CENTRAL_SIZE:
        raise broken("the central directory ends within an entry")
    record = _CENTRAL.unpack_from(data, at)
    signature, _, _, flags, method, time, date, crc, packed, size, names, extras, comments, disk, _, _, offset = record
    if signature != CENTRAL_SIGNATURE:
        raise broken("the central directory holds something else than entries")
    _check_common(flags, method, time, date)
    if comments or disk:
        raise broken("a member should have no comment and lie on the one disk")
    end = at + CENTRAL_SIZE + names + extras
    if end > len(data):
        raise broken("the central directory ends within an entry")
    name = check_name(data[at + CENTRAL_SIZE : at + CENTRAL_SIZE + names])
    if packed != size:
        raise broken(f"{name} is stored, so its two sizes should be one")
    extra = data[end - extras : end]
    wide = [value for value in (size, packed, offset) if value == ONES_32]
    values = _zip64_values(extra, len(wide), name)
    zip64_sizes = size == ONES_32
    if zip64_sizes:
        if values[0] != values[1]:
            raise broken(f"{name} is stored, so its two sizes should be one")
        size = values[0]
    if offset == ONES_32:
        offset = values[-1]
    return Member(name, flags, crc, size, offset, zip64_sizes), end


def check_local(data: bytes, member: Member) -> None:
    """That a local header (fixed part, name, extra field) equals the central directory entry. Raises StepFailed."""
    signature, _, flags, method, time, date, crc, packed, size, names, extras = _LOCAL.unpack_from(data)
    if signature != LOCAL_SIGNATURE:
        raise broken(f"no local header where that of {member.name} should be")
    _check_common(flags, method, time, date)
    short = ONES_32 if member.zip64_sizes else member.size
    expected = (member.flags, member.crc, short, short, len(member.name), 20 if member.zip64_sizes else 0)
    if (flags, crc, packed, size, names, extras) != expected:
        raise broken(f"the local header of {member.name} differs from its central directory entry")
    if data[LOCAL_SIZE : LOCAL_SIZE + names] != member.name.encode("ascii"):
        raise broken(f"the local header of {member.name} has another name")
    values = _zip64_values(data[LOCAL_SIZE + names :], 2 if member.zip64_sizes else 0, member.name)
    if any(value != member.size for value in values):
        raise broken(f"the local header of {member.name} has other sizes")


def local_size(member: Member) -> int:
    """Bytes of the local header that a member must have."""
    return LOCAL_SIZE + len(member.name) + (20 if member.zip64_sizes else 0)


def check_name(data: bytes) -> str:
    """A member's name; raises StepFailed unless it is a plain relative path."""
    if len(data) > _MAX_NAME or not _NAME.fullmatch(data):
        raise broken("a member's name should be a path of letters, digits, dots, underscores and hyphens")
    name = data.decode("ascii")
    if any(part in (".", "..") for part in name.split("/")):
        raise broken("a member's name holds the part . or ..")
    return name


def _check_common(flags: int, method: int, time: int, date: int) -> None:
    if flags not in (0, _UTF8_NAME):
        raise broken("a member's flags should be 0 or bit 11 alone")
    if method:
        raise broken("a member should be stored, not compressed")
    if time or date != _DATE:
        raise broken("a member's time should be 1980-01-01 00:00")


def _zip64_values(extra: bytes, count: int, name: str) -> tuple[int, ...]:
    if not count:
        if extra:
            raise broken(f"{name} should have no extra field")
        return ()
    if len(extra) != 4 + 8 * count or struct.unpack_from("<HH", extra) != (_ZIP64_ID, 8 * count):
        raise broken(f"{name} should have a zip64 field of exactly the values that are all ones")
    return struct.unpack_from(f"<{count}Q", extra, 4)
