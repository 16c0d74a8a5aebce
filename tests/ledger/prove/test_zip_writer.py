"""The zip is of the profile, also where sizes, offsets and counts need 64 bits."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.prove.zip_writer import Member, write_zip, zip_length
from tests.ledger.prove.zip_reader import read_files, read_members

NAMES = st.text("abc/.-_019", min_size=1, max_size=12).filter(
    lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
)


@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=8))
def test_what_is_written_is_read_by_two_readers(files: dict[str, bytes]) -> None:
    members = [Member.of(name, data) for name, data in sorted(files.items())]
    written = b"".join(write_zip(members))
    assert len(written) == zip_length(members)
    assert read_files(io.BytesIO(written)) == files
    with zipfile.ZipFile(io.BytesIO(written)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == files
    assert b"".join(write_zip(members)) == written


def test_any_other_byte_is_refused() -> None:
    """So the reader's word counts, and so no byte of ours is free but versions and attributes."""
    written = b"".join(write_zip([Member.of("a", b"one"), Member.of("b/c", b"two")]))
    local = [written.index(b"PK\x03\x04"), written.index(b"PK\x03\x04", 4)]
    first = written.index(b"PK\x01\x02")
    central = [first, written.index(b"PK\x01\x02", first + 1)]
    unread = {at + n for at in local for n in (4, 5)} | {at + n for at in central for n in (4, 5, 6, 7, *range(36, 42))}
    for at in set(range(len(written))) - unread:
        broken = bytearray(written)
        broken[at] ^= 1
        with pytest.raises((AssertionError, UnicodeDecodeError, OSError)):
            read_files(io.BytesIO(bytes(broken)))


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0xFFFFFFFF, 0x100000005])
def test_large_files_and_what_comes_behind_them(tmp_path: Path, size: int) -> None:
    """Four GiB of zeros that are nowhere: a hole in a file."""
    members = [
        Member("a/small", 3, 0x352441C2, b"", lambda: iter([b"abc"])),
        Member("evidence/0.bin", size, 7, b"", lambda: iter([])),
        Member.of("z", b"behind"),
    ]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        parts = write_zip(members)
        for part in _with_hole(parts, members[1]):
            file.seek(part, 1) if isinstance(part, int) else file.write(part)
    assert path.stat().st_size == zip_length(members)
    with path.open("rb") as file:
        found = read_members(file, check_crc=False)
        assert [(member.name, member.size) for member in found] == [
            ("a/small", 3),
            ("evidence/0.bin", size),
            ("z", 6),
        ]
        file.seek(found[2].offset)
        assert file.read(6) == b"behind"
    with zipfile.ZipFile(path) as other:
        assert [info.file_size for info in other.infolist()] == [3, size, 6]
        assert other.read("z") == b"behind"


def _with_hole(parts: Iterator[bytes], large: Member) -> Iterator[bytes | int]:
    for part in parts:
        yield part
        if part[:4] == b"PK\x03\x04" and large.name.encode() in part:
            yield large.size


def test_more_members_than_16_bits_count() -> None:
    members = [Member.of(f"m{n:06}", b"") for n in range(65_536)]
    for count in (65_534, 65_535):
        written = b"".join(write_zip(members[:count]))
        assert len(read_members(io.BytesIO(written))) == count
        with zipfile.ZipFile(io.BytesIO(written)) as other:
            assert len(other.infolist()) == count
