"""The zip profile: one reading only. Each forgery is one that some other tool would read in another way, or at all."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO

import pytest

from tests.verifier.zip_forge import (
    Record,
    central_entry,
    end_record,
    local_header,
    records_of,
    write,
    zip64_end,
)
from verifier import container
from verifier.container import read_archive
from verifier.errors import StepFailed

MEMBERS = {"README.txt": b"read me", "a/b.json": b"{}", "bundle.json": b"", "evidence/4.bin": b"evidence"}
ONES = 0xFFFFFFFF


def read(data: bytes) -> container.Archive:
    return read_archive(io.BytesIO(data), len(data))


def refused(data: bytes, match: str | None = None) -> None:
    with pytest.raises(StepFailed, match=match) as caught:
        read(data)
    assert caught.value.step == 1


def test_the_profile_is_read() -> None:
    archive = read(write(records_of(MEMBERS)))
    assert archive.contents == {name: data for name, data in MEMBERS.items() if not name.startswith("evidence/")}
    assert archive.evidence["evidence/4.bin"].size == 8
    assert archive.digests.keys() == MEMBERS.keys()


def test_utf8_flag_is_allowed() -> None:
    assert read(write([Record(b"a", b"1", flags=1 << 11)])).contents == {"a": b"1"}


BAD_FIELDS = {
    "encrypted": {"flags": 1},
    "data descriptor": {"flags": 8},
    "utf-8 and more": {"flags": 1 << 11 | 2},
    "deflated": {"method": 8},
    "a time": {"time": 1},
    "a date": {"date": 0x22},
    "no date": {"date": 0},
    "wrong crc": {"crc": 1},
    "packed and size differ": {"packed": 1},
    "size beyond the file": {"size": 100, "packed": 100},
    "an extra field": {"extra": b"\x55\x54\x00\x00"},
    "a member comment": {"comment": b"c"},
    "another disk": {"disk": 1},
    "another offset": {"offset": 1},
}


@pytest.mark.parametrize("fields", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_header_fields(fields: dict[str, object]) -> None:
    refused(write([Record(b"a", b"1"), Record(b"b", b"22", **fields)]))  # type: ignore[arg-type]  # any field


LOCAL_FIELDS = {
    "method": {"method": 8},
    "flags": {"flags": 1 << 11},
    "time": {"time": 1},
    "date": {"date": 0x22},
    "crc": {"crc": 0},
    "sizes": {"size": 0, "packed": 0},
    "size": {"size": 0},
    "name": {"name": b"c"},
    "longer name": {"name": b"bb"},
    "extra": {"extra": b"\x01\x00\x00\x00"},
}


@pytest.mark.parametrize("fields", LOCAL_FIELDS.values(), ids=LOCAL_FIELDS.keys())
def test_local_header_differs(fields: dict[str, object]) -> None:
    refused(write([Record(b"a", b"1"), Record(b"b", b"22", local=fields)]))


BAD_NAMES = ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a\\b", "a b", "é", "a\x00b", "a:b", "x" * 256]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names(name: str) -> None:
    refused(write([Record(name.encode(), b"1")]))


def test_the_longest_name() -> None:
    assert read(write([Record(b"x" * 255, b"1")])).contents


@pytest.mark.parametrize("names", [("a", "a"), ("b", "a"), ("A", "a"), ("a/B", "a/b"), ("a", "B")])
def test_order_and_case(names: tuple[str, str]) -> None:
    refused(write([Record(name.encode(), b"1") for name in names]))


def test_a_deflated_bomb() -> None:
    bomb = zlib.compress(bytes(10**6))[2:-4]
    record = Record(b"a", bytes(10**6), method=8, packed=len(bomb), stored=bomb)
    refused(write([record]), "stored")
    refused(write([Record(b"a", bytes(10**6), stored=bomb)]))


def test_trailing_leading_and_lying_between() -> None:
    data = write(records_of(MEMBERS))
    refused(data + b"\0")
    refused(b"\0" + data)
    refused(data + data)
    refused(write(records_of(MEMBERS), gap=b"\0"))
    first, second = Record(b"a", b"1"), Record(b"b", b"2", offset=len(local_header(Record(b"a", b"1"))) + 2)
    refused(write([first, second]))
    between = local_header(first) + b"1" + b"hidden" + local_header(Record(b"b", b"2")) + b"2"
    central = central_entry(first, 0) + central_entry(Record(b"b", b"2"), len(local_header(first)) + 7)
    refused(between + central + end_record(2, len(central), len(between)), "gap")


def test_a_member_that_no_entry_lists() -> None:
    hidden = Record(b"b", b"2")
    local = local_header(Record(b"a", b"1")) + b"1" + local_header(hidden) + b"2"
    central = central_entry(Record(b"a", b"1"), 0)
    refused(local + central + end_record(1, len(central), len(local)), "gap")


def test_an_entry_of_another_member_s_bytes() -> None:
    local = local_header(Record(b"a", b"1")) + b"1"
    central = central_entry(Record(b"a", b"1"), 0) + central_entry(Record(b"b", b"1"), 0)
    refused(local + central + end_record(2, len(central), len(local)))


def test_end_record() -> None:
    records = [Record(b"a", b"1")]
    local = local_header(records[0]) + b"1"
    central = central_entry(records[0], 0)
    whole = local + central
    assert read(whole + end_record(1, len(central), len(local)))
    refused(whole + end_record(1, len(central), len(local), comment=b"c"))
    refused(whole + end_record(1, len(central), len(local), disk=1))
    refused(whole + end_record(2, len(central), len(local)))
    refused(whole + end_record(0, len(central), len(local)))
    refused(whole + end_record(1, len(central) - 1, len(local)))
    refused(whole + end_record(1, len(central) + 1, len(local) - 1))
    refused(whole + end_record(1, 0xFFFFFFF0, len(local)))
    refused(whole + b"PK\x05\x05\0\0" + end_record(1, len(central), len(local)))  # a digital signature
    refused(b"PK\x05\x06")
    refused(end_record(0, 0, 0)[:-1])
    assert not read(end_record(0, 0, 0)).contents


def zip64_field(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)


def test_zip64_sizes_in_both_headers() -> None:
    sizes = {"packed": ONES, "size": ONES, "extra": zip64_field(2, 2)}
    assert read(write([Record(b"a", b"1"), Record(b"b", b"22", **sizes)])).contents["b"] == b"22"  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", **{**sizes, "extra": zip64_field(2)})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", **{**sizes, "extra": zip64_field(2, 3)})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", **{**sizes, "extra": zip64_field(2, 2, 0)})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", **{**sizes, "extra": b""})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", extra=zip64_field(2, 2))]))
    refused(write([Record(b"a", b"22", **sizes, local={"extra": zip64_field(9, 9)})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", **sizes, local={"extra": b"", "size": 2, "packed": 2})]))  # type: ignore[arg-type]  # as above
    refused(write([Record(b"a", b"22", size=ONES, packed=2, extra=zip64_field(2))]))


def test_zip64_offset_in_the_central_directory() -> None:
    first = Record(b"a", b"1")
    at = len(local_header(first)) + 1
    wide = Record(b"b", b"2", offset=ONES, extra=zip64_field(at), local={"extra": b""})
    assert read(write([first, wide])).contents["b"] == b"2"
    refused(write([first, Record(b"b", b"2", offset=ONES, extra=zip64_field(0), local={"extra": b""})]))
    refused(write([first, Record(b"b", b"2", offset=ONES, extra=zip64_field(at))]))


def test_zip64_end_record_only_where_needed() -> None:
    record = Record(b"a", b"1")
    local, central = local_header(record) + b"1", central_entry(record, 0)
    body, at = local + central, len(local + central)
    needless = zip64_end(1, len(central), len(local), at)
    refused(body + needless + end_record(1, len(central), len(local)))
    refused(body + needless + end_record(0xFFFF, ONES, ONES), "needed")
    refused(body + needless + end_record(0xFFFF, len(central), len(local)), "needed")
    refused(body + end_record(0xFFFF, len(central), len(local)))


def test_zip64_end_record_where_needed() -> None:
    records = [Record(b"%05d" % number, b"") for number in range(0xFFFF)]
    locals_, centrals, at = [], [], 0
    for record in records:
        centrals.append(central_entry(record, at))
        locals_.append(local_header(record))
        at += len(locals_[-1])
    body, central = b"".join(locals_), b"".join(centrals)
    end = at + len(central)
    short = end_record(0xFFFF, len(central), at)
    assert len(read(body + central + zip64_end(0xFFFF, len(central), at, end) + short).contents) == 0xFFFF
    refused(body + central + zip64_end(0xFFFF, len(central), at, end - 1) + short)
    refused(body + central + zip64_end(0xFFFE, len(central), at, end) + short)
    refused(body + central + zip64_end(0xFFFF, len(central), at, end, rest=45) + short)
    refused(body + central + short)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_MEMBER", 8)
    monkeypatch.setattr(container, "MAX_TOGETHER", 12)
    assert read(write([Record(b"a", bytes(8)), Record(b"b", bytes(4)), Record(b"evidence/1.bin", bytes(99))]))
    refused(write([Record(b"a", bytes(9))]), "exceeds")
    refused(write([Record(b"a", bytes(8)), Record(b"b", bytes(5))]), "exceeds")
    monkeypatch.setattr(container, "MAX_MEMBERS", 1)
    refused(write([Record(b"a", b""), Record(b"b", b"")]), "at most")


class Sparse(io.RawIOBase):
    """A file with a long run of zeros in it that takes no memory, and that counts how much is asked for at once."""

    def __init__(self, head: bytes, zeros: int, tail: bytes) -> None:
        self.head, self.zeros, self.tail = head, zeros, tail
        self.length = len(head) + zeros + len(tail)
        self.at = self.largest = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        self.largest = max(self.largest, size)
        out, start = b"", self.at
        self.at = min(self.at + size, self.length)
        for piece, begin in ((self.head, 0), (self.tail, len(self.head) + self.zeros)):
            if start < begin + len(piece) and self.at > begin:
                if start < begin:
                    out = bytes(begin - start)
                out += piece[max(0, start - begin) : self.at - begin]
        return out + bytes(self.at - start - len(out))


def test_evidence_is_streamed() -> None:
    size = 64 * 2**20
    crc = 0
    for _ in range(64):
        crc = zlib.crc32(bytes(2**20), crc)
    record = Record(b"evidence/1.bin", b"", crc=crc, packed=size, size=size)
    header, central = local_header(record), central_entry(record, 0)
    file = Sparse(header, size, central + end_record(1, len(central), len(header) + size))
    source: BinaryIO = file  # type: ignore[assignment]  # it reads and seeks, which is all that is asked of it
    assert read_archive(source, file.length).evidence["evidence/1.bin"].size == size
    assert file.largest <= container.CHUNK


def test_every_flipped_byte_of_the_frame() -> None:
    """Versions and attributes are the only bytes of a zip's own that are not read."""
    data = write(records_of(MEMBERS))
    survivors = set()
    for at in range(len(data)):
        try:
            archive = read(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        except StepFailed:
            continue
        assert archive == read(data), at
        survivors.add(at)
    expected: set[int] = set()
    offset, at = 0, data.index(b"PK\x01\x02")
    for record in records_of(MEMBERS):
        expected |= {offset + 4, offset + 5} | {at + place for place in (4, 5, 6, 7, *range(36, 42))}
        offset += len(local_header(record)) + len(record.data)
        at += len(central_entry(record, 0))
    assert survivors == expected


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    lambda rng, data: data[: rng.randrange(len(data))],
    lambda rng, data: data[rng.randrange(len(data)) :],
    lambda rng, data: data[: (cut := rng.randrange(len(data)))] + rng.randbytes(4) + data[cut + 4 :],
    lambda rng, data: data[: (cut := rng.randrange(len(data)))] + b"\xff\xff\xff\xff" + data[cut + 4 :],
]


def test_random_damage_never_escapes() -> None:
    rng, data = random.Random(1), write(records_of(MEMBERS))
    for _ in range(2_000):
        damaged = rng.choice(MUTATIONS)(rng, data)
        try:
            read(damaged)
        except StepFailed as error:
            assert error.step == 1
