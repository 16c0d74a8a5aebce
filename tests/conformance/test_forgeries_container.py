"""Attacks on the container: what two programs would read differently, what nobody listed, what does not belong."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from tests.conformance.forge import FILE, Authority, Forgery, accept, failures, honest, json_of, judge, refuse
from tests.verifier.log_forge import anchored_fields, jcs, number
from tests.verifier.zip_forge import (
    Record,
    central_entry,
    end_record,
    listing,
    local_header,
    records_of,
    write,
    zip64_end,
)
from verifier.trust import Trust

Zip = Callable[[list[Record]], bytes]


def records(forged: Forgery, **more: bytes) -> list[Record]:
    """The members of a bundle with bundle.json, in their order, to be spoiled."""
    members = forged.members() | more
    return records_of({**members, "bundle.json": listing(members, **forged.about)})


def spoiled(**fields: object) -> Zip:
    """The second member's record with some fields set otherwise."""

    def build(listed: list[Record]) -> bytes:
        for name, value in fields.items():
            setattr(listed[1], name, value)
        return write(listed)

    return build


def inserted(record: Record) -> Zip:
    return lambda listed: write(sorted([*listed, record], key=lambda each: each.name))


def deflated(listed: list[Record]) -> bytes:
    """A member of 200 MiB of zeros in 200 KB: a bomb for whoever inflates before looking."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(200)) + compressor.flush()
    bomb = Record(b"evidence/3.jpeg", b"", method=8, crc=0, packed=len(packed), size=200 << 20, stored=packed)
    kept = [each for each in listed if each.name != bomb.name]
    return write(sorted([*kept, bomb], key=lambda each: each.name))


def overlapping(listed: list[Record]) -> bytes:
    """Two entries of the directory for one place in the file: the quine of bombs."""
    data = write(listed)
    again = central_entry(Record(listed[-1].name + b"x", listed[-1].data), 0)
    start, size = struct.unpack("<I", data[-6:-2])[0], struct.unpack("<I", data[-10:-6])[0]
    central = data[start : start + size] + again
    return data[:start] + central + end_record(len(listed) + 1, len(central), start)


def zip64_lies(listed: list[Record]) -> bytes:
    """A member that says it holds 2^60 bytes, in the zip64 field of both headers."""
    extra = struct.pack("<HHQQ", 1, 16, 1 << 60, 1 << 60)
    listed[1].packed = listed[1].size = 0xFFFFFFFF
    listed[1].extra = extra
    return write(listed)


def needless_zip64(listed: list[Record]) -> bytes:
    """A second end record that agrees: another program may read the one, and another the other."""
    data = write(listed)
    start, size = struct.unpack("<I", data[-6:-2])[0], struct.unpack("<I", data[-10:-6])[0]
    return data[:-22] + zip64_end(len(listed), size, start, start + size) + data[-22:]


def a_hundred_thousand_and_one(listed: list[Record]) -> bytes:
    entry = central_entry(Record(b"x", b""), 0)
    count = 100_001
    data = local_header(Record(b"x", b"")) + entry
    offset, size = len(data) - len(entry), len(entry)
    return data + zip64_end(count, size, offset, offset + size) + end_record(0xFFFF, size, offset)


ATTACKS: dict[str, Zip] = {
    "a prefix, as a self-extracting program has": lambda listed: b"MZ" + write(listed),
    "a suffix": lambda listed: write(listed) + b"\0",
    "a second archive behind the first": lambda listed: write(listed) + write(listed),
    "an archive comment": lambda listed: write(listed)[:-2] + b"\x05\0PK\x05\x06!",
    "bytes between members and directory": lambda listed: write(listed, gap=b"gap"),
    "a member twice": lambda listed: write([listed[0], listed[1], *listed[1:]]),
    "a member twice, the second hidden from the directory": lambda listed: local_header(listed[0]) + write(listed),
    "members out of order": lambda listed: write(listed[::-1]),
    "a folder member": inserted(Record(b"entries/", b"")),
    "a path upwards": inserted(Record(b"../evil", b"x")),
    "a path from the root": inserted(Record(b"/etc/passwd", b"x")),
    "a drive": inserted(Record(b"C:evil", b"x")),
    "a backslash": inserted(Record(b"entries\\3\\leaf.json", b"x")),
    "a null in the name": inserted(Record(b"README.txt\0.exe", b"x")),
    "an empty part": inserted(Record(b"entries//leaf.json", b"x")),
    "a dot": inserted(Record(b"entries/./leaf.json", b"x")),
    "a name that differs in case alone": inserted(Record(b"BUNDLE.JSON", b"x")),
    "an overlong name": inserted(Record(b"n" * 256, b"x")),
    "a name that is no ascii": inserted(Record("énoncé".encode(), b"x")),
    "a local header with another name": spoiled(local={"name": b"entries/3/fields/9.json"}),
    "a local header with another size": spoiled(local={"size": 1, "packed": 1}),
    "a local header with another crc": spoiled(local={"crc": 1}),
    "a local header with another flag": spoiled(local={"flags": 1 << 11}),
    "a wrong crc": spoiled(crc=0),
    "encrypted": spoiled(flags=1),
    "a data descriptor": spoiled(flags=8),
    "a method that is not stored": spoiled(method=8),
    "a date of today": spoiled(date=0x5D75),
    "a time": spoiled(time=1),
    "another disk": spoiled(disk=1),
    "a member's comment": spoiled(comment=b"!"),
    "an extra field": spoiled(extra=b"\x55\x54\x05\x00\x03\x00\x00\x00\x00"),
    "a unicode path extra field": spoiled(extra=struct.pack("<HHBI", 0x7075, 14, 1, 0) + b"evil.json"),
    "an offset into another member": spoiled(offset=0),
    "overlapping members": overlapping,
    "a zip bomb": deflated,
    "zip64 of 2^60 bytes": zip64_lies,
    "zip64 where none is needed": needless_zip64,
    "100,001 members": a_hundred_thousand_and_one,
    "no bundle.json": lambda listed: write([each for each in listed if each.name != b"bundle.json"]),
    "nothing at all": lambda _: end_record(0, 0, 0),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_zip_profile(authority: Authority, believed: Trust, name: str) -> None:
    forged = honest(authority)
    accept(write(records(forged)), believed)
    refuse(ATTACKS[name](records(forged)), believed, 1)


def test_an_archive_zipped_again_within_the_profile(authority: Authority, believed: Trust) -> None:
    listed = records(honest(authority))
    for each in listed:
        each.flags = 1 << 11
    accept(write(listed), believed)


Statement = Callable[[dict[str, object]], object]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s.update(v=2), id="an unknown version"),
        pytest.param(lambda s: s.update(v=True), id="true for 1"),
        pytest.param(lambda s: s.update(extra=1), id="a member more"),
        pytest.param(lambda s: s.update(case="0" * 32), id="number and case"),
        pytest.param(lambda s: s.pop("number"), id="neither"),
        pytest.param(lambda s: s.update(subject="case"), id="a case by number"),
        pytest.param(lambda s: s.update(subject=["entry"]), id="a subject that is no text"),
        pytest.param(lambda s: s.update(number=3), id="a number that is no text"),
        pytest.param(lambda s: s["members"].pop(), id="an unlisted member"),
        pytest.param(lambda s: s["members"].reverse(), id="members out of order"),
        pytest.param(lambda s: s["members"].append(dict(s["members"][-1], name="zz")), id="listed and not there"),
        pytest.param(lambda s: s["members"][0].update(size=1), id="another size"),
        pytest.param(lambda s: s["members"][0].update(sha256="0" * 64), id="another digest"),
        pytest.param(lambda s: s["members"][0].update(sha256="G" * 64), id="a digest that is none"),
        pytest.param(lambda s: s["members"][0].update(more=1), id="a member with more"),
        pytest.param(lambda s: s.update(members={}), id="members that are no list"),
    ],
)
def test_bundle_json(authority: Authority, believed: Trust, change: Statement) -> None:
    forged = honest(authority)
    members = forged.members()
    statement = json_of(listing(members, **forged.about))
    change(statement)
    refuse(write(records_of({**members, "bundle.json": jcs(statement)})), believed, 1)
    loose = listing(members, **forged.about).replace(b",", b", ", 1)  # the same value, not its canonical form
    refuse(write(records_of({**members, "bundle.json": loose})), believed, 1)


@pytest.mark.parametrize(
    "name",
    [
        "verdict.json", "entries/3/README", "entries/03/leaf.json", "entries/-1/leaf.json", "entries/3/fields/01.json",
        "timestamps/2/token.tsr", "timestamps/9/stamped", "certs/1.pem", "certs/0.pem", "evidence/3.jpg",
        "evidence/2.bin", "evidence/3.JPEG", "evidence/3.toolongext", "retired/0", "retired/07", "trust/secret",
        "trust/tsa/a/b.pem", "entries/9/leaf.json", "entries/9/fields/0.json", "entries/2/hashes", "evidence/9.bin",
        "entries/2/fields/0.json", "run.exe",
    ],
)  # fmt: skip
def test_a_member_that_does_not_belong(authority: Authority, believed: Trust, name: str) -> None:
    forged = honest(authority)
    result = judge(forged.bundle(lambda members: members.update({name: FILE})), believed)
    assert failures(result) == {1}, [check.detail for check in result.checks]


def test_an_extension_that_a_system_would_run(authority: Authority, believed: Trust) -> None:
    for file_name, extension in (
        ("photo.jpeg.EXE", "exe"), ("photo", "bin"), ("photo.", "bin"), ("a.b/c", "bin"), ("x.é", "bin"),
        ("x.\u212a", "bin"), ("x.123456789", "bin"), (".htaccess", "htaccess"), ("x.JPG ", "bin"),
    ):  # fmt: skip
        forged = honest(authority, file__name=file_name)
        right, wrong = {f"evidence/3.{extension}": FILE}, {"evidence/3.jpeg": FILE}
        forged.more = right
        accept(forged.bundle(), believed)
        forged.more = wrong
        refuse(forged.bundle(), believed, 1)


def test_entries_that_nothing_admits(authority: Authority, believed: Trust) -> None:
    """Entries that would be shown beside the evidence, though they are not about it."""
    forged = honest(authority)
    log, subject = forged.log, forged.entries[0].index
    about_it = log.append("metadata.demanded", fields={"relation.entry": subject})
    for strange in (
        log.append("metadata.demanded", "a" * 32, fields={"relation.entry": subject}),  # of another case
        log.append("metadata.demanded", fields={"relation.entry": subject - 1}),  # about another entry
        log.append("metadata.demanded", fields={"relation.entry": str(subject)}),  # a text
        log.append("metadata.demanded", fields={"note.entry": subject}),  # another field
        log.append("policy.published", "f" * 32, public={"x": 1}),
    ):
        forged.entries = [forged.entries[0], about_it, strange]
        forged.stamps = []
        refuse(forged.bundle(), believed, 1)
    forged.entries = forged.entries[:2]
    assert [entry.index for entry in judge(forged.bundle(), believed).entries] == [about_it.index]

    def closed(members: dict[str, bytes]) -> None:
        del members[f"entries/{about_it.index}/fields/1.json"]

    refuse(forged.bundle(closed), believed, 1)


def test_a_case_that_is_the_system_chain(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    recorded = forged.entries[1]
    opened = type(recorded)(0, forged.log.leaves[0])
    forged.entries, forged.about, forged.more = [opened, recorded], {"case": "f" * 32}, {}
    assert 1 in failures(judge(forged.bundle(), believed))


def test_a_file_that_is_not_the_evidence(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    forged.more = {"evidence/3.jpeg": FILE + b"!"}
    refuse(forged.bundle(), believed, 3)
    forged = honest(authority, file__size=len(FILE) + 1)
    refuse(forged.bundle(), believed, 3)
    forged = honest(authority, file__sha512="0" * 128)  # the operator commits to two different files
    refuse(forged.bundle(), believed, 3)
    assert number(3) == forged.about["number"] and anchored_fields()["file.name"] == "photo.JPEG"
