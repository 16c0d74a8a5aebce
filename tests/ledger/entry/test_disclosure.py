"""Disclosures, and the attacks on them: two values under one name, a swap of places, a hidden field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import (
    NAMES_FIELD,
    Commitment,
    commit_fields,
    commitment_root,
    derive_salt,
    field_hash,
    opening_bytes,
)
from ledger.entry.disclosure import Disclosure, check_disclosure, check_salts, disclose, parse_opening
from ledger.entry.text_encodings import encode_base64
from ledger.errors import LedgerError, LimitError, MalformedError, NotFoundError, ProofError
from tests.ledger.entry.test_commitment import FIELDS

SECRET = bytes(range(32))
COMMITTED = commit_fields(SECRET, {"file.name": "a.pdf", "file.size": 3, "declared.author": None})


def forge(openings: Sequence[bytes], shown: Sequence[int]) -> tuple[Disclosure, Commitment]:
    """A malicious producer's commitment over any openings at all, with some of them shown."""
    hashes = tuple(map(field_hash, openings))
    commitment = Commitment(commitment_root(hashes), len(hashes))
    return Disclosure(hashes, {position: openings[position] for position in shown}), commitment


def raw_opening(name: str, value: Any, secret: bytes = SECRET) -> bytes:
    """An opening without any of the producer's checks."""
    return serialise([name, encode_base64(derive_salt(secret, name)), value])


@given(FIELDS, st.data())
def test_what_is_disclosed_is_what_was_committed(fields: dict[str, Any], data: st.DataObject) -> None:
    try:
        committed = commit_fields(SECRET, fields)
    except LimitError:
        return
    shown = data.draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    disclosure = disclose(committed, shown)
    opened = check_disclosure(disclosure, committed.commitment)
    assert opened.names == tuple(sorted(fields))
    assert opened.opened == {name: fields[name] for name in shown}
    assert set(opened.closed) == set(fields) - shown
    check_salts(disclosure, SECRET)


@given(FIELDS.filter(bool), st.data())
def test_any_flipped_bit_is_refused(fields: dict[str, Any], data: st.DataObject) -> None:
    try:
        committed = commit_fields(SECRET, fields)
    except LimitError:
        return
    disclosure = disclose(committed, fields)
    check_disclosure(disclosure, committed.commitment)
    position = data.draw(st.integers(0, len(fields)))
    bad_hash = bytearray(disclosure.hashes[position])
    bad_hash[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    hashes = (*disclosure.hashes[:position], bytes(bad_hash), *disclosure.hashes[position + 1 :])
    with pytest.raises(ProofError):
        check_disclosure(replace(disclosure, hashes=hashes), committed.commitment)
    bad_opening = bytearray(disclosure.openings[position])
    bad_opening[data.draw(st.integers(0, len(bad_opening) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    openings = {**disclosure.openings, position: bytes(bad_opening)}
    with pytest.raises(ProofError):
        check_disclosure(replace(disclosure, openings=openings), committed.commitment)


def test_names_are_open_even_when_nothing_else_is() -> None:
    disclosure = disclose(COMMITTED, [])
    assert set(disclosure.openings) == {0}
    opened = check_disclosure(disclosure, COMMITTED.commitment)
    assert opened.names == ("declared.author", "file.name", "file.size")
    assert (opened.opened, opened.closed) == ({}, opened.names)
    assert disclose(COMMITTED, [NAMES_FIELD]) == disclosure
    with pytest.raises(ProofError):
        check_disclosure(replace(disclosure, openings={}), COMMITTED.commitment)


def test_a_name_that_was_not_committed_cannot_be_opened() -> None:
    with pytest.raises(NotFoundError) as caught:
        disclose(COMMITTED, ["file.name", "file.sha256"])
    assert caught.value.where == "file.sha256"


def test_count_and_root_must_be_the_leafs() -> None:
    disclosure = disclose(COMMITTED, ["file.name"])
    root, count = COMMITTED.commitment.root, COMMITTED.commitment.count
    for bad in (
        Commitment(root, count - 1),
        Commitment(root, count + 1),
        Commitment(root, 0),
        Commitment(bytes(32), count),
        Commitment(root[:-1], count),
    ):
        with pytest.raises(ProofError):
            check_disclosure(disclosure, bad)
    for hashes in ((), disclosure.hashes[:-1], (*disclosure.hashes, bytes(32)), disclosure.hashes[::-1]):
        with pytest.raises((ProofError, MalformedError)):
            check_disclosure(replace(disclosure, hashes=hashes), COMMITTED.commitment)


@pytest.mark.parametrize("position", [-1, 4, 5, 10**9])
def test_an_opening_outside_the_hashes_is_refused(position: int) -> None:
    disclosure = disclose(COMMITTED, [])
    with pytest.raises(ProofError):
        check_disclosure(
            replace(disclosure, openings={**disclosure.openings, position: COMMITTED.openings[1]}), COMMITTED.commitment
        )


def test_an_opening_at_anothers_position_is_refused() -> None:
    names = raw_opening(NAMES_FIELD, ["a", "b"])
    a, b = raw_opening("a", 1), raw_opening("b", 2)
    check_disclosure(*forge([names, a, b], [0, 1, 2]))
    for openings in ([names, b, a], [names, a, a], [names, b, b]):
        with pytest.raises(ProofError):
            check_disclosure(*forge(openings, [0, 1, 2]))
        with pytest.raises(ProofError):
            check_disclosure(*forge(openings, [0, 2] if openings[2] != b else [0, 1]))


@pytest.mark.parametrize(
    "listed",
    [["a", "a"], ["b", "a"], ["a"], ["a", "b", "c"], ["a", 1], ["a", None], "ab", {"a": 1, "b": 2}, None, [], ["", "a"],
     ["@names", "a"], ["a", "B"], ["a", "b" * 129]],
)  # fmt: skip
def test_names_doubled_out_of_order_or_malformed_are_refused(listed: Any) -> None:
    openings = [raw_opening(NAMES_FIELD, listed), raw_opening("a", 1), raw_opening("b", 2)]
    with pytest.raises((ProofError, MalformedError, LimitError)):
        check_disclosure(*forge(openings, [0]))


def test_two_values_under_one_name_cannot_both_be_kept_ready() -> None:
    # The attack that @names exists for: commit to two file.sha256 and show the convenient one.
    names = raw_opening(NAMES_FIELD, ["file.sha256", "file.sha256"])
    first, second = raw_opening("file.sha256", "aa"), raw_opening("file.sha256", "bb", bytes(32))
    for shown in ([0, 1], [0, 2]):
        with pytest.raises(ProofError):
            check_disclosure(*forge([names, first, second], shown))


def test_position_0_must_be_names() -> None:
    for name in ("a", "names"):
        with pytest.raises(ProofError):
            check_disclosure(*forge([raw_opening(name, ["a"]), raw_opening("a", 1)], [0]))
    # @names anywhere else has no name of the grammar to stand for.
    openings = [raw_opening(NAMES_FIELD, ["a"]), raw_opening(NAMES_FIELD, ["a"])]
    with pytest.raises(ProofError):
        check_disclosure(*forge(openings, [0, 1]))


GOOD = opening_bytes("a", bytes(16), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"null", GOOD + b"\n", b" " + GOOD, GOOD.replace(b",1]", b", 1]"),
        GOOD.replace(b",1]", b"]"),
        GOOD.replace(b",1]", b",1,2]"), GOOD.replace(b",1]", b",1.0]"), GOOD.replace(b'"a"', b'"A"'),
        GOOD.replace(b'"a"', b"1"),
        GOOD.replace(b"==", b""), GOOD.replace(b"A==", b"B=="), GOOD.replace(b"AAAA", b"", 1),
        GOOD.replace(b'"AAAAAAAAAAAAAAAAAAAAAA=="', b"null"), b"[" * 200_000,
    ],
)  # fmt: skip
def test_another_spelling_of_an_opening_is_refused(data: bytes) -> None:
    assert parse_opening(GOOD, "x").value == 1
    assert data != GOOD
    with pytest.raises((MalformedError, LimitError)):
        parse_opening(data, "x")
    openings = [raw_opening(NAMES_FIELD, ["a"]), data]
    with pytest.raises((ProofError, MalformedError, LimitError)):
        check_disclosure(*forge(openings, [0, 1]))


def test_a_value_nested_beyond_8_is_refused() -> None:
    deep: Any = 0
    for _ in range(8):
        deep = [deep]
    check_disclosure(*forge([raw_opening(NAMES_FIELD, ["a"]), raw_opening("a", deep)], [0, 1]))
    with pytest.raises(LimitError):
        check_disclosure(*forge([raw_opening(NAMES_FIELD, ["a"]), raw_opening("a", [deep])], [0, 1]))


def test_an_opening_over_128_kib_is_refused() -> None:
    big = raw_opening("a", "x" * 131_072)
    with pytest.raises(LimitError):
        check_disclosure(*forge([raw_opening(NAMES_FIELD, ["a"]), big], [0, 1]))


def test_a_secret_that_gives_other_salts_is_refused() -> None:
    disclosure = disclose(COMMITTED, ["file.name"])
    check_salts(disclosure, SECRET)
    with pytest.raises(ProofError):
        check_salts(disclosure, bytes(32))
    with pytest.raises(LedgerError):
        check_salts(disclosure, SECRET[:-1])


def test_a_salt_does_not_show_in_the_representation_of_an_opening() -> None:
    opening = parse_opening(COMMITTED.openings[1], "x")
    assert repr(opening.salt) not in repr(opening)
