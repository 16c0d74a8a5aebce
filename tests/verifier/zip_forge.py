"""Writes zip files byte by byte: in the profile, or with any field of any record set otherwise."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DATE = 0x21


@dataclass
class Record:
    """A member and the fields of its two headers; those in `local` differ in the local header alone."""

    name: bytes
    data: bytes
    flags: int = 0
    method: int = 0
    time: int = 0
    date: int = DATE
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    offset: int | None = None
    stored: bytes | None = None
    local: dict[str, Any] = field(default_factory=dict)

    def common(self, *, in_local: bool) -> tuple[int, int, int, int, int, int, int, bytes, bytes]:
        def value(name: str, default: Any) -> Any:
            own = getattr(self, name)
            found = self.local.get(name, own) if in_local else own
            return default if found is None else found

        return (
            value("flags", 0),
            value("method", 0),
            value("time", 0),
            value("date", DATE),
            value("crc", zlib.crc32(self.data)),
            value("packed", len(self.data)),
            value("size", len(self.data)),
            value("name", b""),
            value("extra", b""),
        )


def local_header(record: Record) -> bytes:
    flags, method, time, date, crc, packed, size, name, extra = record.common(in_local=True)
    fixed = (b"PK\x03\x04", 20, flags, method, time, date, crc, packed, size, len(name), len(extra))
    return struct.pack("<4sHHHHHIIIHH", *fixed) + name + extra


def central_entry(record: Record, offset: int) -> bytes:
    flags, method, time, date, crc, packed, size, name, extra = record.common(in_local=False)
    at = offset if record.offset is None else record.offset
    lengths = (len(name), len(extra), len(record.comment), record.disk, 0, 0, at)
    fixed = (b"PK\x01\x02", 20, 20, flags, method, time, date, crc, packed, size, *lengths)
    return struct.pack("<4sHHHHHHIIIHHHHHII", *fixed) + name + extra + record.comment


def end_record(count: int, size: int, offset: int, comment: bytes = b"", disk: int = 0) -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\x05\x06", disk, disk, count, count, size, offset, len(comment)) + comment


def zip64_end(count: int, size: int, offset: int, at: int, rest: int = 44) -> bytes:
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", rest, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)


def write(records: list[Record], *, gap: bytes = b"", tail: bytes | None = None) -> bytes:
    """A zip of the records in their order. `gap`: bytes before the central directory; `tail`: instead of the end."""
    out, central = bytearray(), bytearray()
    for record in records:
        central += central_entry(record, len(out))
        out += local_header(record) + (record.data if record.stored is None else record.stored)
    out += gap
    end = end_record(len(records), len(central), len(out)) if tail is None else tail
    return bytes(out + central + end)


def records_of(members: Mapping[str, bytes]) -> list[Record]:
    return [Record(name.encode(), data) for name, data in sorted(members.items())]


def listing(members: Mapping[str, bytes], **about: str) -> bytes:
    """bundle.json for members; `about` is number=… or case=…"""
    listed = [
        {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in sorted(members.items())
        if name != "bundle.json"
    ]
    statement = {"members": listed, "subject": "entry" if "number" in about else "case", "v": 1, **about}
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bundle(members: Mapping[str, bytes], **about: str) -> bytes:
    """A bundle of the members, with a bundle.json that agrees with them."""
    return write(records_of({**members, "bundle.json": listing(members, **about)}))


def about_of(members: Mapping[str, bytes]) -> dict[str, str]:
    """number=… or case=… of a bundle's members."""
    statement = json.loads(members["bundle.json"])
    return {name: statement[name] for name in ("number", "case") if name in statement}


def again(members: Mapping[str, bytes]) -> bytes:
    """The members as a bundle again, whatever bundle.json said of them before."""
    return bundle({name: data for name, data in members.items() if name != "bundle.json"}, **about_of(members))
