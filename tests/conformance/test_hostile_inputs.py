"""Inputs made to crash, hang or eat memory: the answer is an exit status of 0 to 3, soon, and without a traceback."""

from __future__ import annotations

import base64
import random
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.forge import Authority, Forgery, failures, honest, judge, trust, trust_files
from tests.verifier.log_forge import ED25519, ForgedLog, b64, hash_leaf, jcs, number, openings, tree
from tests.verifier.zip_forge import Record, end_record, local_header, write, zip64_end
from verifier.cli import main
from verifier.result import Verdict
from verifier.trust import Trust

STATUSES = {0, 1, 2, 3}
CHILD_BYTES = 700 << 20
"""Address space of a child: what Python and its libraries map, and less than the inputs below pretend to need."""
SEED = 20261121


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """A trust folder on disk, to go through the program and not the library alone."""
    path = tmp_path_factory.mktemp("trust")
    for name, data in trust_files(authority).items():
        path.joinpath(name).parent.mkdir(exist_ok=True)
        path.joinpath(name).write_bytes(data)
    return path


def small(authority: Authority) -> Forgery:
    """A bundle without ML-DSA-44's long signatures."""
    forged = honest(authority)
    text = forged.log.text()
    forged.checkpoint = text + b"\n" + ED25519.line(text)
    return forged


def test_a_bundle_cut_at_each_length(authority: Authority) -> None:
    data, brought = small(authority).bundle(), trust(authority, logs=(ED25519,))
    assert judge(data, brought).verdict is Verdict.VERIFIED
    for length in range(len(data)):
        assert judge(data[:length], brought).verdict is Verdict.NOT_VERIFIED, length


def test_a_receipt_cut_at_each_length(authority: Authority) -> None:
    data, brought = small(authority).receipt(), trust(authority, logs=(ED25519,))
    assert not failures(judge(data, brought))
    for length in range(1, len(data)):
        assert failures(judge(data[:length], brought)) == {1}, length


def test_each_member_cut_at_many_lengths(authority: Authority) -> None:
    """Every length of the short members, some of the long ones; bundle.json agrees each time."""
    forged, brought = small(authority), trust(authority, logs=(ED25519,))
    for name, data in forged.members().items():
        for length in range(0, len(data), 1 + len(data) // 80):
            result = judge(forged.bundle(lambda m, n=name, s=length: m.update({n: m[n][:s]})), brought)  # type: ignore[misc]  # mypy cannot type defaults of a lambda
            assert result.verdict is Verdict.NOT_VERIFIED, (name, length)


def mutations(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """A byte set, a run removed, repeated, or replaced with what parsers trip over."""
    odd = [
        b"\xff" * 4,
        b"\0",
        b"-1",
        b"1e9",
        b"\\ud800",
        b"[" * 40,
        b"9" * 400,
        b'"',
        b"\n",
        b"\x30\x84\xff\xff\xff\xff",
    ]
    for _ in range(count):
        at, run = chance.randrange(len(data)), chance.randrange(1, 40)
        match chance.randrange(4):
            case 0:
                yield data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                yield data[:at] + data[at + run :]
            case 2:
                yield data[:at] + data[at : at + run] * 2 + data[at + run :]
            case _:
                yield data[:at] + chance.choice(odd) + data[at + chance.randrange(3) :]


def test_a_thousand_mutations(
    tmp_path: Path, folder: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the program: raw files, and members whose listing was made to agree. `make fuzz` tries any number."""
    chance = random.Random(SEED)  # repeatable: a gate must not fail by luck
    forged, path = honest(authority), tmp_path / "input"
    members = forged.members()
    inputs = [*mutations(forged.bundle(), 200, chance), *mutations(forged.receipt(), 300, chance)]
    for _ in range(500):
        name = chance.choice(sorted(members))
        changed = next(mutations(members[name] or b"\n", 1, chance))
        inputs.append(forged.bundle(lambda m, n=name, c=changed: m.update({n: c})))  # type: ignore[misc]  # as above
    seen: set[int] = set()
    for data in inputs:
        path.write_bytes(data)
        status = main([str(path), "--trust", str(folder), "--at", "2026-11-21T12:00:00.000Z", "--json"])
        said = capsys.readouterr()
        assert status in STATUSES and "Traceback" not in said.err + said.out
        assert bool(said.out) is (status != 2)
        seen.add(status)
    assert seen >= {1, 3}


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def hostile_files(where: Path, authority: Authority) -> Iterator[Path]:
    """Files of many kinds, each with the least bytes on disk that its trick needs."""
    forged = small(authority)
    texts = {
        "deep.receipt.json": b'{"certs":' + deep(500_000) + b"}",
        "values.receipt.json": b'{"certs":[' + b"{}," * 2_000_000 + b"{}]}",
        "digits.receipt.json": b'{"v":' + b"9" * 5_000_000 + b"}",
        "strings.receipt.json": b'{"certs":["' + "\U0001f600".encode() * 2_000_000 + b'"]}',
        "base64.receipt.json": with_token(forged, "AAAA" * 7_000_000),
        "escapes.receipt.json": b'{"certs":["' + rb"\n" * 3_000_000 + b'"]}',
        "nothing": b"",
        "brace": b"{",
        "local": b"PK\x03\x04",
    }
    archives = {
        "index.zip": forged.bundle(lambda m: m.update({f"entries/{'9' * 240}/leaf.json": b"x"})),
        "consistency.zip": forged.bundle(lambda m: m.update({"timestamps/0/consistency": b"%064x\n" % 0 * 200_000})),
        "hashes.zip": forged.bundle(lambda m: m.update({"entries/3/hashes": b"%064x\n" % 0 * 200_000})),
        "path.zip": forged.bundle(lambda m: m.update({"entries/3/proof.tlog-proof": deep_path(200_000)})),
        "lines.zip": forged.bundle(lambda m: m.update({"entries/3/proof.tlog-proof": many_lines(forged, 300_000)})),
        "listing.zip": write([Record(b"bundle.json", b'{"members":[' + b"{}," * 2_000_000 + b"{}]}")]),
        "claims.zip": claims(1 << 60),
        "directory.zip": local_header(Record(b"x", b"")) + zip64_end(1 << 60, 1 << 62, 0, 0) + end_record(0xFFFF, 1, 0),
        "certificates.zip": forged.bundle(lambda m: m.update({"certs/0.pem": certificate_block(3_000_000)})),
        "trust.zip": forged.bundle(lambda m: m.update({"trust/policy": b"log x+00000000+AA==\n" * 100_000})),
    }
    for name, data in (texts | archives).items():
        where.joinpath(name).write_bytes(data)
        yield where / name
    yield from (huge_evidence(where), where)


def with_token(forged: Forgery, text: str) -> bytes:
    """A receipt with a token of a size that a pattern must not remember step by step."""
    return forged.receipt(timestamps=[{"consistency": [], "stamped": forged.log.text().decode(), "token": text}])


def deep_path(lines: int) -> bytes:
    return b"c2sp.org/tlog-proof@v1\nindex 3\n" + (b64(bytes(32)).encode() + b"\n") * lines + b"\nx\n"


def many_lines(forged: Forgery, count: int) -> bytes:
    return forged.log.proof(3, forged.log.text() + b"\n" + b"\xe2\x80\x94 x AAAAAAA=\n" * count)


def certificate_block(size: int) -> bytes:
    lines = b"".join(b"A" * 64 + b"\n" for _ in range(size // 65))
    return b"-----BEGIN CERTIFICATE-----\n" + lines + b"-----END CERTIFICATE-----\n"


def claims(size: int) -> bytes:
    """A member that claims a size, in zip64 fields that agree with each other."""
    extra = struct.pack("<HHQQ", 1, 16, size, size)
    return write([Record(b"evidence/3.jpeg", b"x", size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=extra)])


def huge_evidence(where: Path) -> Path:
    """A member of 600 MiB that is a hole in the file: it must be hashed without being held."""
    size, path = 600 << 20, where / "evidence.zip"
    record = Record(b"evidence/3.jpeg", b"", crc=0, size=size, packed=size)
    whole = write([record])
    header = len(local_header(record))
    central = whole[header:-22]
    with path.open("wb") as file:
        file.write(whole[:header])
        file.seek(header + size)
        file.write(central + end_record(1, len(central), header + size))
    return path


def test_memory_stays_bounded(tmp_path: Path, folder: Path, authority: Authority) -> None:
    paths = [str(path) for path in hostile_files(tmp_path, authority)]
    program = (
        "import contextlib, io, sys\nfrom verifier.cli import main\n"
        "for path in sys.argv[2:]:\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as said:\n"
        "        status = main([path, '--trust', sys.argv[1], '--json'])\n"
        "    print(status if 'MemoryError' not in said.getvalue() else -1)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(folder), *paths],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES)),  # no threads here
    )
    statuses = dict(zip((Path(path).name for path in paths), map(int, child.stdout.split()), strict=True))
    assert child.returncode == 0 and "Traceback" not in child.stderr and "MemoryError" not in child.stderr
    assert statuses.pop("nothing") == 2 and statuses.pop(tmp_path.name) == 2
    assert set(statuses.values()) == {1}, statuses


def other_version(authority: Authority) -> bytes:
    """The authority's root as a certificate of version 8, which `cryptography` refuses with an error of its own."""
    der = authority.root.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def test_a_certificate_of_a_version_that_does_not_exist(
    tmp_path: Path, authority: Authority, believed: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    """In certs/ it is ignored, in the operator's copy the copy is none, in the reader's folder the folder is bad."""
    pem, forged = other_version(authority), honest(authority)
    forged.more["certs/0.pem"] = pem
    assert judge(forged.bundle(), believed).verdict is Verdict.VERIFIED
    forged.more = {**honest(authority).more, "trust/policy": b"quorum none\n", "trust/tsa/a.pem": pem}
    result = judge(forged.bundle(), None)
    assert result.verdict is Verdict.INCOMPLETE and not failures(result)
    (tmp_path / "b.zip").write_bytes(forged.bundle())
    (tmp_path / "trust" / "tsa").mkdir(parents=True)
    (tmp_path / "trust" / "policy").write_bytes(b"quorum none\n")
    (tmp_path / "trust" / "tsa" / "a.pem").write_bytes(pem)
    assert main([str(tmp_path / "b.zip"), "--trust", str(tmp_path / "trust")]) == 2
    assert "tsa/a.pem" in capsys.readouterr().err


def test_a_thousand_and_twenty_four_fields_and_no_more(authority: Authority, believed: Trust) -> None:
    for count, fails in ((1_024, False), (1_025, True)):
        log = ForgedLog()
        subject = log.append("case.opened", leaf={})
        log.leaves.pop()
        listed = openings({f"n{place:04}": place for place in range(count - 1)})
        hashes = [hash_leaf(each) for each in listed]
        log._seq.clear()
        fields = {"count": count, "root": tree(hashes).hex()}
        subject = log.append("case.opened", leaf={"fields": fields, "seq": 0, "prev": None})
        subject.openings, subject.hashes = listed, hashes
        result = judge(Forgery(log, [subject], {"number": number(subject.index)}).bundle(), believed)
        assert (2 in failures(result)) is fails
        assert fails or not failures(result)
        assert fails or len(result.contents.fields) == 1_023


def test_text_that_would_command_a_terminal(
    tmp_path: Path, folder: Path, authority: Authority, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A file's name with escape sequences, line feeds and turned directions is shown, and obeyed by nobody."""
    evil = "a\x1b[2J\x1b]0;x\x07\r\nVERIFIED\u202e\u2066gpj.exe\x9b31m\u0000\u2028"
    path = tmp_path / "input"
    path.write_bytes(honest(authority, file__name=evil, declared__note=jcs(evil).decode()).bundle())
    for language in ("en", "kk", "ru"):
        main([str(path), "--trust", str(folder), "--lang", language])
        text = capsysbinary.readouterr().out.decode()
        assert all(char.isprintable() or char == "\n" for char in text)
        assert "\nVERIFIED" not in text[1:]
    main([str(path), "--trust", str(folder), "--json"])
    assert all(0x20 <= byte < 0x7F or byte == 0x0A for byte in capsysbinary.readouterr().out)
