"""Tar archives, plain and packed with gzip, bzip2 or xz: the listing, read as a stream within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from typing import Any, BinaryIO, Final, cast

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import since_1970
from ledger.extract.values import decoded, listing, text

MEDIA_TYPES: Final = ("application/x-tar", "application/gzip", "application/x-bzip2", "application/x-xz")
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("created_at", "the earliest time of a member", "tar headers, UTC"),
    Field("modified_at", "the latest time of a member, else the packed file's", "tar headers, gzip header, UTC"),
    Field("author", "the owner of the first member", "tar headers"),
    Field("packing", "gzip, bzip2, xz, or null for plain tar", "first bytes"),
    Field("packed_name", "the packed file's name", "gzip header"),
    Field("packed_at", "the packed file's time", "gzip header, UTC"),
    Field("packed_on", "the system that packed it", "gzip header"),
    Field("is_tar", "whether a tar archive is inside", "tar headers"),
    Field("members", "every member: name, size, time, kind, owner", "tar headers"),
    Field("files", "number of files", "tar headers"),
    Field("unpacked_bytes", "bytes of all files together, as the headers say", "tar headers"),
)
NAMES: Final = names_of(FIELDS)

UNPACKED_BYTES: Final = 1024 * 1024 * 1024
"""Bytes that are unpacked for the listing; bombs end here. Packed data can be listed in no other way."""

MEMBERS_MAX: Final = 100_000
"""Members of one archive."""

_BLOCK_BYTES: Final = 256 * 1024
_SYSTEMS: Final = {0: "windows", 3: "unix", 7: "macintosh", 11: "windows"}
_NAME_FLAG, _EXTRA_FLAG = 8, 4


class _Bounded:
    """A stream that ends with ExtractError after UNPACKED_BYTES."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, UNPACKED_BYTES

    def read(self, length: int = -1) -> bytes:
        data = self._stream.read(min(length if length >= 0 else _BLOCK_BYTES, _BLOCK_BYTES))
        self._left -= len(data)
        if self._left < 0:
            raise ExtractError(f"unpacks to more than {UNPACKED_BYTES} bytes")
        return data


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    source.stream.seek(0)
    openers: dict[str, Any] = {
        "application/gzip": ("gzip", gzip.GzipFile),
        "application/x-bzip2": ("bzip2", bz2.BZ2File),
        "application/x-xz": ("xz", lzma.LZMAFile),
    }
    packing, opener = openers.get(source.media_type, (None, None))
    findings.put("packing", packing)
    if packing == "gzip":
        with findings.attempt("gzip header"):
            _read_gzip_header(source.at(0, 64 * 1024), findings)
    source.stream.seek(0)
    if opener is None:
        _read_listing(source.stream, findings)
        return
    unpacked = opener(fileobj=source.stream, mode="rb") if packing == "gzip" else opener(source.stream)
    _read_listing(cast(BinaryIO, unpacked), findings)


def _read_gzip_header(head: bytes, findings: Findings) -> None:
    """RFC 1952 §2.3."""
    flags, moment, system = head[3], int.from_bytes(head[4:8], "little"), head[9]
    findings.put("packed_at", since_1970(moment))
    findings.put("modified_at", since_1970(moment))
    findings.put("packed_on", _SYSTEMS.get(system))
    at = 10 + (2 + int.from_bytes(head[10:12], "little") if flags & _EXTRA_FLAG else 0)
    if flags & _NAME_FLAG:
        findings.put("packed_name", decoded(head[at : at + 1_000]))


def _read_listing(stream: BinaryIO, findings: Findings) -> None:
    members: list[dict[str, object]] = []
    total = files = 0
    times: list[int] = []
    try:
        with tarfile.open(fileobj=cast(BinaryIO, _Bounded(stream)), mode="r|", errorlevel=1) as archive:
            findings.put("is_tar", True)
            for member in archive:
                if len(members) >= MEMBERS_MAX:
                    raise ExtractError(f"more than {MEMBERS_MAX} members")
                members.append(_member(member))
                total, files = total + member.size, files + member.isfile()
                times.append(int(member.mtime))
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
        if not members:
            findings.put("is_tar", False)
            return  # one packed file, or nothing that can be unpacked: said by what is null
        raise ExtractError("the archive breaks off") from error
    finally:
        if members:
            _fill(members, files, total, times, findings)


def _fill(members: list[dict[str, object]], files: int, total: int, times: list[int], findings: Findings) -> None:
    findings.put("members", listing(members))
    findings.put("files", files)
    findings.put("unpacked_bytes", total)
    findings.put("created_at", since_1970(min(times)))
    findings.put("modified_at", since_1970(max(times)))
    findings.put("author", members[0]["owner"])


def _member(member: tarfile.TarInfo) -> dict[str, object]:
    kind = (
        "file"
        if member.isfile()
        else "folder"
        if member.isdir()
        else "link"
        if member.issym() or member.islnk()
        else "other"
    )
    return {"name": text(member.name, 1_000), "bytes": member.size, "modified_at": since_1970(int(member.mtime)),
            "kind": kind, "owner": text(member.uname, 100) or None}  # fmt: skip
