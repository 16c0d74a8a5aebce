"""The members of a bundle, by the zip profile's one reading (docs/spec/bundle.md); no zipfile module.

Everything is read once, in the order of the file and from one open handle, so what was checked is what is used.
Members under `evidence/` are only hashed, never held: one of 10 GiB takes no more memory than one of a byte.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Protocol

from verifier import zip_record
from verifier.zip_record import END64_SIZE, END_SIZE, LOCATOR_SIZE, MAX_CENTRAL_ENTRY, End, Member, broken

EVIDENCE_FOLDER = "evidence/"
MAX_MEMBERS = 100_000
MAX_MEMBER = 64 * 2**20
MAX_TOGETHER = 512 * 2**20
CHUNK = 2**20


@dataclass(frozen=True)
class Digest:
    """What a file is: its size in bytes, its SHA-256 and SHA-512 in hex."""

    size: int
    sha256: str
    sha512: str


@dataclass(frozen=True)
class Archive:
    """A zip in the profile. `digests`: name → (size, SHA-256 in hex) of every member; `contents`: the bytes of those
    outside `evidence/`; `evidence`: the digests of those inside."""

    digests: dict[str, tuple[int, str]]
    contents: dict[str, bytes]
    evidence: dict[str, Digest]


def read_archive(file: BinaryIO, length: int) -> Archive:
    """The members of a zip file of `length` bytes; raises StepFailed(1) for a breach of the profile."""
    end, tail = _end(file, length)
    if end.offset + end.size != tail:
        raise broken("the central directory should be followed at once by the end records")
    members = _central(file, end)
    _check_limits(members)
    archive = Archive({}, {}, {})
    at = 0
    for member in members:
        if member.offset != at:
            raise broken(f"{member.name} does not follow the member before it without a gap")
        at += zip_record.local_size(member) + member.size
        if at > end.offset:
            raise broken(f"{member.name} reaches into the central directory")
        _read_member(file, member, archive)
    if at != end.offset:
        raise broken("the central directory does not follow the last member without a gap")
    return archive


class Readable(Protocol):
    """What is read by chunks: an open file, or one member of an archive."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def digest_of(file: Readable) -> Digest:
    """The digest of all that a stream still holds, in constant memory."""
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
        sha512.update(chunk)
        size += len(chunk)
    return Digest(size, sha256.hexdigest(), sha512.hexdigest())


def _end(file: BinaryIO, length: int) -> tuple[End, int]:
    """The end records, and the offset at which the first of them begins."""
    at = length - END_SIZE
    if at < 0:
        raise broken("the file is too short for an end record")
    end = zip_record.parse_end(_read_at(file, at, END_SIZE))
    if not zip_record.needs_zip64(end):
        return end, at
    if at < LOCATOR_SIZE + END64_SIZE:
        raise broken("the file is too short for the zip64 records that its end record needs")
    start = at - LOCATOR_SIZE - END64_SIZE
    if zip_record.parse_locator(_read_at(file, at - LOCATOR_SIZE, LOCATOR_SIZE)) != start:
        raise broken("the zip64 end record should lie just before its locator")
    return zip_record.parse_end64(_read_at(file, start, END64_SIZE), end), start


def _central(file: BinaryIO, end: End) -> list[Member]:
    if end.count > MAX_MEMBERS:
        raise broken(f"at most {MAX_MEMBERS} members are allowed and {end.count} are stated")
    if end.size > end.count * MAX_CENTRAL_ENTRY:
        raise broken("the central directory is larger than its entries can be")
    data = _read_at(file, end.offset, end.size)
    members: list[Member] = []
    at = 0
    for _ in range(end.count):
        member, at = zip_record.parse_central(data, at)
        members.append(member)
    if at != len(data):
        raise broken("the central directory holds more than the stated number of entries")
    _check_names([member.name for member in members])
    return members


def _check_names(names: list[str]) -> None:
    for before, name in pairwise(names):
        if before >= name:
            raise broken(f"{name} should stand before {before}, or stands there twice")
    if len({name.lower() for name in names}) != len(names):
        raise broken("two names differ in case alone")


def _check_limits(members: Iterable[Member]) -> None:
    together = 0
    for member in members:
        if member.name.startswith(EVIDENCE_FOLDER):
            continue
        together += member.size
        if member.size > MAX_MEMBER or together > MAX_TOGETHER:
            raise broken(f"{member.name} exceeds the size of members, {MAX_MEMBER} each and {MAX_TOGETHER} together")


def _read_member(file: BinaryIO, member: Member, archive: Archive) -> None:
    file.seek(member.offset)
    zip_record.check_local(_read(file, zip_record.local_size(member)), member)
    if member.name.startswith(EVIDENCE_FOLDER):
        reader = _MemberReader(file, member.size)
        digest = digest_of(reader)
        archive.evidence[member.name] = digest
        crc, listed = reader.crc, (digest.size, digest.sha256)
    else:
        data = _read(file, member.size)
        archive.contents[member.name] = data
        crc, listed = zlib.crc32(data), (len(data), hashlib.sha256(data).hexdigest())
    if crc != member.crc:
        raise broken(f"the CRC-32 of {member.name} is wrong")
    archive.digests[member.name] = listed


class _MemberReader:
    """Reads the `size` bytes of one member and keeps their CRC-32."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left, self.crc = file, size, 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes of the member."""
        chunk = _read(self._file, min(size, self._left))
        self._left -= len(chunk)
        self.crc = zlib.crc32(chunk, self.crc)
        return chunk


def _read_at(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return _read(file, size)


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise broken("the file ends too early")
    return data
