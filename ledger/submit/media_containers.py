"""Media types of files that are containers: zip (Office, OpenDocument, signed containers) and OLE (old Office, mail).

The content is hostile. Only lists of names are read, nothing is unpacked; every read has a bound, every walk an end.
What contradicts itself is simply the container that it claims to be.
"""

import os
import struct
from typing import BinaryIO, Final

ZIP: Final = "application/zip"
OLE: Final = "application/x-ole-storage"

_OPEN_XML: Final = (
    # a folder of the package, its macros, then the media type without and with them (ECMA-376 part 2, [MS-OFFMACRO2])
    (
        "word/",
        "word/vbaProject.bin",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroEnabled.12",
    ),
    (
        "xl/",
        "xl/vbaProject.bin",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
    ),
    (
        "ppt/",
        "ppt/vbaProject.bin",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    ),
)
# The content of a first, stored member `mimetype` is the container's own word; it counts when it is one of these.
_DECLARED: Final = frozenset(
    {
        "application/epub+zip",
        "application/vnd.etsi.asic-e+zip",
        "application/vnd.etsi.asic-s+zip",
        "application/vnd.oasis.opendocument.graphics",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.presentation-template",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.spreadsheet-template",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.text-template",
    }
)
_LONGEST_DECLARED: Final = max(map(len, _DECLARED))

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
# An end record may be followed by a comment of 65,535 bytes.
_END_LOOK_BYTES: Final = _END.size + 65_535
# What decides stands among the first names of every real Office file; archives of millions of names are plain zips.
_CENTRAL_BYTES: Final = 1024 * 1024
_CENTRAL_NAMES: Final = 4_096

# Streams directly in an OLE file's root ([MS-DOC], [MS-XLS], [MS-PPT], [MS-OXMSG], [MS-VSD]).
_STREAMS: Final = (
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("VisioDocument", "application/vnd.visio"),
)
_OLE_HEADER_BYTES: Final = 512
_OLE_SECTOR_SHIFTS: Final = (9, 12)  # [MS-CFB] §2.2: 512 or 4,096 bytes
_OLE_FAT_SECTORS: Final = 109  # those that the header itself lists
_OLE_DIRECTORY_SECTORS: Final = 256
_OLE_ENTRY_BYTES: Final = 128
_OLE_NO_ENTRY: Final = 0xFFFFFFFF


def zip_type(head: bytes, stream: BinaryIO) -> str:
    """The media type of a zip file, whose first bytes are `head`."""
    declared = _declared_type(head)
    if declared is not None:
        return declared
    names = _central_names(stream)
    if "[Content_Types].xml" in names:
        for folder, macros, plain, with_macros in _OPEN_XML:
            if any(name.startswith(folder) for name in names):
                return with_macros if macros in names else plain
    if "AndroidManifest.xml" in names:
        return "application/vnd.android.package-archive"
    return "application/java-archive" if "META-INF/MANIFEST.MF" in names else ZIP


def _declared_type(head: bytes) -> str | None:
    if len(head) < _LOCAL.size:
        return None
    _, _, flags, method, _, _, _, packed, size, name_length, extra_length = _LOCAL.unpack_from(head)
    start = _LOCAL.size + name_length
    if head[_LOCAL.size : start] != b"mimetype" or method != 0 or flags & 0x08 or packed != size:
        return None
    if size > _LONGEST_DECLARED:
        return None
    content = head[start + extra_length : start + extra_length + size].decode("ascii", "replace")
    return content if content in _DECLARED else None


def _central_names(stream: BinaryIO) -> frozenset[str]:
    size = stream.seek(0, os.SEEK_END)
    tail_start = max(0, size - _END_LOOK_BYTES)
    stream.seek(tail_start)
    tail = stream.read(_END_LOOK_BYTES)
    at = tail.rfind(b"PK\x05\x06", 0, len(tail) - _END.size + 4)
    if at < 0:
        return frozenset()
    _, _, _, _, _, length, offset, _ = _END.unpack_from(tail, at)
    if offset + length > tail_start + at:
        return frozenset()  # zip64 or nonsense: no Office file is that large
    stream.seek(offset)
    central = stream.read(min(length, _CENTRAL_BYTES))
    names: list[str] = []
    position = 0
    while len(names) < _CENTRAL_NAMES and position + _CENTRAL.size <= len(central):
        record = _CENTRAL.unpack_from(central, position)
        signature, (name_length, extra_length, comment_length) = record[0], record[10:13]
        if signature != b"PK\x01\x02":
            break
        start = position + _CENTRAL.size
        names.append(central[start : start + name_length].decode("utf-8", "replace"))
        position = start + name_length + extra_length + comment_length
    return frozenset(names)


def ole_type(head: bytes, stream: BinaryIO) -> str:
    """The media type of an OLE compound file, whose first bytes are `head`."""
    names = _root_names(_ole_directory(head, stream))
    return next((media_type for name, media_type in _STREAMS if name in names), OLE)


def _ole_directory(head: bytes, stream: BinaryIO) -> bytes:
    """The directory's sectors in order, as far as the header's own part of the allocation table leads."""
    if len(head) < _OLE_HEADER_BYTES:
        return b""
    shift = int.from_bytes(head[30:32], "little")
    if shift not in _OLE_SECTOR_SHIFTS:
        return b""
    sector_bytes = 1 << shift
    table = struct.unpack_from(f"<{_OLE_FAT_SECTORS}I", head, 76)
    sector = int.from_bytes(head[48:52], "little")
    parts: list[bytes] = []
    while len(parts) < _OLE_DIRECTORY_SECTORS:  # the bound also ends a chain that runs in a circle
        part = _read_at(stream, (sector + 1) << shift, sector_bytes)
        if len(part) < sector_bytes:
            break
        parts.append(part)
        table_sector, place = divmod(sector * 4, sector_bytes)
        if table_sector >= _OLE_FAT_SECTORS:
            break
        link = _read_at(stream, ((table[table_sector] + 1) << shift) + place, 4)
        sector = int.from_bytes(link, "little") if len(link) == 4 else _OLE_NO_ENTRY
    return b"".join(parts)


def _root_names(directory: bytes) -> frozenset[str]:
    """The names of the root's own streams: those of an embedded document lie deeper and must not decide."""
    names: list[str] = []
    visited: set[int] = set()
    waiting = [int.from_bytes(directory[76:80], "little")]
    while waiting:
        number = waiting.pop()
        entry = directory[number * _OLE_ENTRY_BYTES : (number + 1) * _OLE_ENTRY_BYTES]
        if number in visited or len(entry) < _OLE_ENTRY_BYTES:
            continue
        visited.add(number)
        name_bytes = min(int.from_bytes(entry[64:66], "little"), 64)
        names.append(entry[: max(name_bytes - 2, 0)].decode("utf-16-le", "replace"))
        waiting += struct.unpack_from("<2I", entry, 68)  # the siblings to the left and right
    return frozenset(names)


def _read_at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)
