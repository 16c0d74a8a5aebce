"""Proof files: one spelling, no `extra`, and the checkpoint's bytes untouched."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError, LimitError, MalformedError
from ledger.note.proof_file import PATH_MAX, ProofFile, format_proof, parse_proof

NOTE = "log.example\n2\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— log.example AAECA3Jhdw==\n".encode()
HASH = b64encode(bytes(32))
GOOD = b"c2sp.org/tlog-proof@v1\nindex 1\n" + HASH + b"\n\n" + NOTE


def test_the_form_of_the_specification() -> None:
    assert format_proof(1, [bytes(32)], NOTE) == GOOD
    assert parse_proof(GOOD) == ProofFile(1, (bytes(32),), NOTE)
    assert parse_proof(format_proof(0, [], NOTE)) == ProofFile(0, (), NOTE)


@given(
    st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=PATH_MAX), st.binary(min_size=1)
)
def test_proofs_round_trip(index: int, path: list[bytes], note: bytes) -> None:
    assert parse_proof(format_proof(index, path, note)) == ProofFile(index, tuple(path), note)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_other_bytes_are_another_proof_or_none(at: int, byte: int) -> None:
    for bad in (
        GOOD[:at] + bytes((byte,)) + GOOD[at + 1 :],
        GOOD[:at] + bytes((byte,)) + GOOD[at:],
        GOOD[:at] + GOOD[at + 1 :],
    ):
        if bad == GOOD:
            continue
        try:
            other = parse_proof(bad)
        except LedgerError:
            continue
        assert other != ProofFile(1, (bytes(32),), NOTE)
        assert format_proof(other.index, other.path, other.note) == bad


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", NOTE, GOOD[: -len(NOTE)], GOOD.replace(b"index 1\n", b""), GOOD.replace(b"index 1", b"index 01"),
        GOOD.replace(b"index 1", b"index +1"), GOOD.replace(b"index 1", b"index"), GOOD.replace(b"index 1",
        b"index  1"),
        GOOD.replace(b"index 1", b"index -1"), GOOD.replace(b"index 1", b"Index 1"), GOOD.replace(b"index 1",
        b"index 9223372036854775808"),
        GOOD.replace(b"@v1", b"@v2"), GOOD.replace(b"index", b"extra AAAA\nindex"), GOOD.replace(b"index 1\n",
        b"index 1\nextra AAAA\n"),
        GOOD.replace(b"index", b"extra \nindex"), GOOD.replace(HASH, HASH[:-1]), GOOD.replace(HASH, HASH[4:]),
        GOOD.replace(HASH, b" " + HASH),
        GOOD.replace(HASH, b"\xff"), b" " + GOOD, b"\n" + GOOD, GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"index 1\n", b"index 1\nindex 1\n"),
    ],
)  # fmt: skip
def test_another_form_is_no_proof(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_proof(data)


def test_at_most_63_hashes() -> None:
    assert len(parse_proof(format_proof(1, [bytes(32)] * 63, NOTE)).path) == 63
    with pytest.raises(LimitError):
        format_proof(1, [bytes(32)] * 64, NOTE)
    with pytest.raises(LimitError):
        parse_proof(GOOD.replace(HASH, b"\n".join([HASH] * 64)))


def test_a_proof_that_no_reader_takes_is_not_written() -> None:
    for index, path, note in (
        (-1, [], NOTE),
        (2**63, [], NOTE),
        (0, [b""], NOTE),
        (0, [bytes(31)], NOTE),
        (0, [], b""),
    ):
        with pytest.raises(MalformedError):
            format_proof(index, path, note)


def test_what_cannot_be_read_is_not_written() -> None:
    for index, path, note in (
        (-1, [], NOTE), (2**63, [], NOTE), (1, [b""], NOTE), (1, [bytes(31)], NOTE), (1, [bytes(33)], NOTE),
        (1, [], b""), (1, [bytes(32)] * (PATH_MAX + 1), NOTE),
    ):  # fmt: skip
        with pytest.raises((MalformedError, LimitError)):
            format_proof(index, path, note)
