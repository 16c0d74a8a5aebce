"""Intake: what is kept is what was declared, and what is refused leaves nothing."""

import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.errors import LimitError, MalformedError, UnavailableError
from ledger.submit.errors import UnacceptableError
from ledger.submit.intake import Intake, facts_without_file
from ledger.submit.limits import Limits
from ledger.submit.statement import Statement

MIB = 1024 * 1024
DATA = b"%PDF-1.7\nhello"
DECLARED = Statement(
    name="a.pdf", size=len(DATA), sha256=hashlib.sha256(DATA).digest(), sha512=hashlib.sha512(DATA).digest()
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def intake(directory: Path) -> Intake:
    return Intake(DirectoryBlobs(directory), Limits(file_bytes=4 * MIB))


def stored(directory: Path) -> list[str]:
    return [path.name for path in directory.rglob("*") if path.is_file()]


def test_a_file_that_is_the_declared_one_is_kept(intake: Intake, directory: Path) -> None:
    received = intake.receive_file(io.BytesIO(DATA), DECLARED, file_name="a.pdf", declared_size=len(DATA))
    assert (received.blob.sha256, received.blob.sha512, received.blob.size) == (
        DECLARED.sha256,
        DECLARED.sha512,
        DECLARED.size,
    )
    facts = received.facts
    assert (facts.name, facts.size, facts.media_type) == ("a.pdf", len(DATA), "application/pdf")
    assert (facts.sha256, facts.sha512) == (DECLARED.sha256, DECLARED.sha512)
    assert stored(directory) == [hashlib.sha256(DATA).hexdigest()]
    assert DirectoryBlobs(directory).open(received.blob.sha256).read() == DATA


def test_a_statement_may_say_nothing_about_the_file(intake: Intake) -> None:
    received = intake.receive_file([DATA[:5], b"", DATA[5:]], Statement(), file_name="б.pdf")
    assert received.facts.name == "б.pdf"
    assert received.blob.sha256 == DECLARED.sha256


def test_the_statements_name_serves_where_the_file_was_sent_without_one(intake: Intake) -> None:
    assert intake.receive_file([DATA], Statement(name="in the statement.pdf")).facts.name == "in the statement.pdf"


@pytest.mark.parametrize("source", [io.BytesIO(b""), [], [b"", b""]])
def test_an_empty_file_is_a_file(intake: Intake, directory: Path, source: object) -> None:
    received = intake.receive_file(source, Statement(), file_name="empty", declared_size=0)  # type: ignore[arg-type]
    assert received.facts.size == 0
    assert received.facts.media_type == "application/x-empty"
    assert stored(directory) == [hashlib.sha256(b"").hexdigest()]


@pytest.mark.parametrize(
    ("member", "statement"),
    [
        ("size", Statement(size=len(DATA) + 1)),
        ("size", Statement(size=0)),
        ("sha256", Statement(sha256=bytes(32))),
        ("sha512", Statement(sha512=bytes(64))),
        ("sha512", Statement(size=len(DATA), sha256=DECLARED.sha256, sha512=hashlib.sha512(b"").digest())),
        ("name", Statement(name="b.pdf")),
        ("name", Statement(name="A.pdf")),
    ],
)
def test_a_file_that_is_not_the_declared_one_is_refused_by_what_differs(
    intake: Intake, directory: Path, member: str, statement: Statement
) -> None:
    with pytest.raises(UnacceptableError, match=f"expected {member} ") as caught:
        intake.receive_file([DATA], statement, file_name="a.pdf")
    assert caught.value.where == f"statement.{member}"
    assert stored(directory) == []


def test_one_flipped_bit_of_the_file_is_noticed(intake: Intake, directory: Path) -> None:
    flipped = bytes([DATA[0] ^ 1]) + DATA[1:]
    with pytest.raises(UnacceptableError) as caught:
        intake.receive_file([flipped], DECLARED, file_name="a.pdf")
    assert caught.value.where == "statement.sha256"
    assert hashlib.sha256(flipped).hexdigest() in caught.value.what
    assert stored(directory) == []


@pytest.mark.parametrize("name", [None, "", "../../etc/passwd", "a\x00b", ".."])
def test_a_file_without_a_proper_name_is_refused(intake: Intake, directory: Path, name: str | None) -> None:
    with pytest.raises(UnacceptableError):
        intake.receive_file([DATA], Statement(), file_name=name)
    assert stored(directory) == []


def test_a_file_of_the_limits_size_is_kept_and_one_byte_more_is_not(intake: Intake, directory: Path) -> None:
    intake.receive_file([bytes(MIB)] * 4, Statement(), file_name="fits")
    kept = stored(directory)
    with pytest.raises(LimitError) as caught:
        intake.receive_file([*([bytes(MIB)] * 4), b"x"], Statement(), file_name="too large")
    assert (caught.value.limit, caught.value.got) == (4 * MIB, 4 * MIB + 1)
    assert stored(directory) == kept


def test_an_endless_source_is_left_at_the_limit(intake: Intake, directory: Path) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(MIB)

    with pytest.raises(LimitError):
        intake.receive_file(endless(), Statement(), file_name="zero")
    assert taken == 5
    assert stored(directory) == []


def test_an_announced_size_over_the_limit_is_refused_before_a_byte_is_read(intake: Intake, directory: Path) -> None:
    class Unread:
        def read(self, size: int, /) -> bytes:
            raise AssertionError("read")

    with pytest.raises(LimitError):
        intake.receive_file(Unread(), Statement(), file_name="a", declared_size=4 * MIB + 1)
    assert stored(directory) == []


@pytest.mark.parametrize("announced", [len(DATA) - 1, len(DATA) + 1, 0])
def test_a_file_of_another_size_than_announced_was_cut_off(intake: Intake, directory: Path, announced: int) -> None:
    with pytest.raises(MalformedError, match="announced"):
        intake.receive_file([DATA], Statement(), file_name="a.pdf", declared_size=announced)
    assert stored(directory) == []


def test_a_source_that_breaks_leaves_nothing(intake: Intake, directory: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(2 * MIB)
        raise ConnectionResetError("client went away")

    with pytest.raises(ConnectionResetError):
        intake.receive_file(broken(), Statement(), file_name="a")
    assert stored(directory) == []


def test_what_is_not_kept_is_not_stored(intake: Intake, directory: Path) -> None:
    with intake.receive() as receiving:
        receiving.write(DATA)
        assert receiving.size == len(DATA)
    assert stored(directory) == []


def test_the_statement_may_come_after_the_file(intake: Intake) -> None:
    with intake.receive() as receiving:
        for start in range(len(DATA)):
            receiving.write(memoryview(DATA)[start : start + 1])
        received = receiving.keep(DECLARED)
    assert received.facts.media_type == "application/pdf"
    assert received.blob.sha256 == DECLARED.sha256


def test_a_store_that_fails_says_so(intake: Intake, directory: Path) -> None:
    (directory / "incoming").rmdir()
    with pytest.raises(UnavailableError):
        intake.receive_file([DATA], Statement(), file_name="a")


def test_a_disk_that_fails_while_the_type_is_told_is_unavailable(directory: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    class BreaksWhenRead(DirectoryBlobs):
        def open(self, sha256: bytes) -> BinaryIO:
            return Broken(b"PK")

    intake = Intake(BreaksWhenRead(directory), Limits())
    with pytest.raises(UnavailableError, match="input/output error"):
        intake.receive_file([b"PK\x03\x04" + bytes(100)], Statement(), file_name="a.zip")


def test_memory_does_not_grow_with_the_file(directory: Path) -> None:
    intake = Intake(DirectoryBlobs(directory), Limits())
    chunk = bytes(64 * 1024)
    tracemalloc.start()
    try:
        intake.receive_file((chunk for _ in range(48 * 16)), Statement(), file_name="large")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


def test_a_file_that_stays_at_home_is_known_by_its_statement() -> None:
    facts = facts_without_file(DECLARED)
    assert (facts.name, facts.size, facts.sha256, facts.sha512) == (
        DECLARED.name,
        DECLARED.size,
        DECLARED.sha256,
        DECLARED.sha512,
    )
    assert facts.media_type == "application/octet-stream"


@pytest.mark.parametrize("missing", ["name", "size", "sha256", "sha512"])
def test_of_a_file_that_stays_at_home_all_four_are_needed(missing: str) -> None:
    members = {
        member: getattr(DECLARED, member) for member in ("name", "size", "sha256", "sha512") if member != missing
    }
    with pytest.raises(UnacceptableError, match=f"expected {missing} too") as caught:
        facts_without_file(Statement(**members), where="line 3")
    assert caught.value.where == "line 3"
