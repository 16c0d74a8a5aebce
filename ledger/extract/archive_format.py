"""Zip archives, and what is one inside without a reader of its own (APK, JAR, EPUB, signed containers): the listing."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import since_1970, wall_time
from ledger.extract.values import decoded, listing, text

MEDIA_TYPES: Final = (
    "application/zip",
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/epub+zip",
    "application/vnd.etsi.asic-e+zip",
    "application/vnd.etsi.asic-s+zip",
)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("created_at", "the earliest time of a member", "zip directory"),
    Field("modified_at", "the latest time of a member", "zip directory"),
    Field("members", "every member: name, size, packed size, time, CRC-32, whether encrypted", "zip directory"),
    Field("files", "number of files", "zip directory"),
    Field("unpacked_bytes", "bytes of all members together, as the directory says", "zip directory"),
    Field("encrypted_members", "members under a password", "zip directory"),
    Field("doubled_names", "names that stand twice: readers then disagree on what is inside", "zip directory"),
    Field("made_on", "the system that packed it, and how many members say so", "zip directory"),
    Field("comment", "the archive's comment", "zip end record"),
)
NAMES: Final = names_of(FIELDS)

MEMBERS_MAX: Final = 200_000
"""Members of one archive: each takes a hundred bytes of the file and ten times as much of the reader's memory."""

_SYSTEMS: Final = {0: "windows", 3: "unix", 7: "macintosh", 10: "windows", 11: "windows", 19: "macos"}
_EXTENDED_TIME: Final = 0x5455  # "UT", seconds since 1970


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names. Nothing is unpacked, so a bomb or an archive that holds itself is a list like others."""
    source.stream.seek(0)
    try:
        with zipfile.ZipFile(source.stream) as archive:
            members = archive.infolist()
            comment = archive.comment
    except (zipfile.BadZipFile, ValueError, RuntimeError, struct.error) as error:
        raise ExtractError("not a readable zip file") from error
    findings.put("comment", decoded(comment))
    findings.put("files", sum(not member.is_dir() for member in members))
    findings.put("unpacked_bytes", sum(member.file_size for member in members))
    findings.put("encrypted_members", sum(member.flag_bits & 1 for member in members))
    names = Counter(member.filename for member in members)
    findings.put("doubled_names", listing(text(name, 1_000) for name, number in names.items() if number > 1))
    made_on = Counter(_SYSTEMS.get(member.create_system, "other") for member in members)
    findings.put("made_on", dict(sorted(made_on.items())))
    times = sorted(moment for member in members if (moment := wall_time(*member.date_time)))
    findings.put("created_at", times[0] if times else None)
    findings.put("modified_at", times[-1] if times else None)
    findings.put("members", listing(map(_member, members[:MEMBERS_MAX]), len(members)))


def _member(member: zipfile.ZipInfo) -> dict[str, object]:
    return {
        "name": text(member.filename, 1_000),
        "bytes": member.file_size,
        "packed_bytes": member.compress_size,
        "modified_at": _utc_time(member.extra) or wall_time(*member.date_time),
        "crc32": f"{member.CRC:08x}",
        "encrypted": bool(member.flag_bits & 1),
    }


def _utc_time(extra: bytes) -> str | None:
    """The extended timestamp in UTC, where the packer wrote one; the directory's own time has no zone."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _EXTENDED_TIME and length >= 5 and at + 9 <= len(extra) and extra[at + 4] & 1:
            return since_1970(int.from_bytes(extra[at + 5 : at + 9], "little", signed=True))
        at += 4 + length
    return None
