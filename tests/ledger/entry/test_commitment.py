"""Commitments: merkletools' tree is RFC 6962's, and the format's limits hold on the producer's side."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from base64 import b64encode
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

import ledger.entry
from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import (
    COUNT_MAX,
    NAMES_FIELD,
    OPENING_MAX,
    check_value,
    commit_and_write,
    commit_fields,
    commitment_root,
    derive_salt,
    field_hash,
    opening_bytes,
)
from ledger.errors import LimitError, MalformedError
from ledger.merkle.hashing import hash_children, tree_root
from tests.ledger.entry.test_canonical_json import VALUES

SECRET = bytes(range(32))
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}(\.[a-z0-9_]{1,5}){0,3}", fullmatch=True)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=8)


def leaf_hashes(count: int) -> list[bytes]:
    return [hashlib.sha256(str(number).encode()).digest() for number in range(count)]


def test_roots_equal_rfc_6962_for_every_count() -> None:
    hashes = leaf_hashes(COUNT_MAX)
    for count in range(1, COUNT_MAX + 1):
        assert commitment_root(hashes[:count]) == tree_root(hashes[:count]), count


@given(FIELDS)
def test_the_stored_object_of_fields_is_their_canonical_json(fields: dict[str, Any]) -> None:
    committed, written = commit_and_write(SECRET, fields)
    assert written == serialise(fields) == rfc8785.dumps(fields)
    assert committed == commit_fields(SECRET, fields)


@given(FIELDS)
def test_openings_put_together_in_bulk_are_those_made_one_by_one(fields: dict[str, Any]) -> None:
    committed = commit_fields(SECRET, fields)
    values = {NAMES_FIELD: sorted(fields), **{name: fields[name] for name in sorted(fields)}}
    assert list(committed.openings) == [opening_bytes(n, derive_salt(SECRET, n), v) for n, v in values.items()]


def test_roots_equal_pymerkles() -> None:
    tree = InmemoryTree(algorithm="sha256")
    openings = [str(number).encode() for number in range(300)]
    for count, opening in enumerate(openings, start=1):
        tree.append_entry(opening)
        assert commitment_root([field_hash(each) for each in openings[:count]]) == tree.get_root(), count


def test_a_node_cannot_be_passed_off_as_fields() -> None:
    # What merkletools as shipped would allow: the children's hashes as one leaf give the same root.
    first, second = leaf_hashes(2)
    root = commitment_root([first, second])
    assert root == hash_children(first, second)
    assert root != field_hash(first + second)
    assert root != hashlib.sha256(first + second).digest()


def test_every_hash_and_every_place_counts() -> None:
    hashes = leaf_hashes(7)
    root = commitment_root(hashes)
    for at in range(7):
        flipped = list(hashes)
        flipped[at] = bytes((hashes[at][0] ^ 1,)) + hashes[at][1:]
        assert commitment_root(flipped) != root
        assert commitment_root(hashes[:at] + hashes[at + 1 :]) != root
        assert commitment_root([*hashes[:at], hashes[at], *hashes[at:]]) != root
    assert commitment_root(hashes[::-1]) != root


def test_counts_and_lengths_outside_the_format_are_refused() -> None:
    for hashes in ([], leaf_hashes(COUNT_MAX + 1)):
        with pytest.raises(LimitError):
            commitment_root(hashes)
    for hashes in ([b""], [bytes(31)], [bytes(32), bytes(33)]):
        with pytest.raises(MalformedError):
            commitment_root(hashes)


@given(st.binary(min_size=32, max_size=32), NAMES)
def test_a_salt_is_the_hmac_of_the_name(secret: bytes, name: str) -> None:
    assert derive_salt(secret, name) == hmac.new(secret, name.encode(), "sha256").digest()[:16]


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_secret_has_32_bytes(size: int) -> None:
    with pytest.raises(MalformedError):
        derive_salt(bytes(size), "file.name")


@given(NAMES, VALUES)
def test_an_opening_is_rfc8785(name: str, value: Any) -> None:
    salt = derive_salt(SECRET, name)
    try:
        data = opening_bytes(name, salt, value)
    except LimitError:
        return  # nested beyond 8
    assert data == rfc8785.dumps([name, b64encode(salt).decode(), value])
    assert field_hash(data) == hashlib.sha256(b"\x00" + data).digest()


def test_the_opening_of_the_documents() -> None:
    data = opening_bytes("file.name", derive_salt(SECRET, "file.name"), "contract.pdf")
    assert data == b'["file.name","TCR37XwF8FuXmOHOkp5apA==","contract.pdf"]'
    assert data.decode() in (ledger.entry.__doc__ or "")


@given(FIELDS)
def test_a_commitment_is_a_map_in_one_order(fields: dict[str, Any]) -> None:
    try:
        committed = commit_fields(SECRET, fields)
    except LimitError:
        return
    assert committed.names == tuple(sorted(fields, key=str.encode))
    assert committed.commitment.count == len(fields) + 1 == len(committed.openings) == len(committed.hashes)
    assert committed.hashes == tuple(map(field_hash, committed.openings))
    assert committed.commitment.root == tree_root(committed.hashes)
    assert committed.openings[0] == opening_bytes(NAMES_FIELD, derive_salt(SECRET, NAMES_FIELD), sorted(fields))
    assert commit_fields(SECRET, dict(reversed(fields.items()))) == committed


def test_another_secret_name_or_value_is_another_commitment() -> None:
    base = commit_fields(SECRET, {"a": 1, "b": 2}).commitment
    others = [
        commit_fields(bytes(32), {"a": 1, "b": 2}),
        commit_fields(SECRET, {"a": 1, "b": 3}),
        commit_fields(SECRET, {"a": 1, "c": 2}),
        commit_fields(SECRET, {"a": 2, "b": 1}),
        commit_fields(SECRET, {"a": 1}),
        commit_fields(SECRET, {"a": True, "b": 2}),
        commit_fields(SECRET, {"a": "1", "b": 2}),
    ]
    assert len({base, *(each.commitment for each in others)}) == len(others) + 1


def test_no_fields_at_all_is_a_commitment_to_no_names() -> None:
    committed = commit_fields(SECRET, {})
    assert (committed.names, committed.commitment.count) == ((), 1)
    assert committed.openings[0].endswith(b",[]]")


def test_the_most_fields_are_1023() -> None:
    fields = {f"f{number}": number for number in range(COUNT_MAX - 1)}
    assert commit_fields(SECRET, fields).commitment.count == 1024
    with pytest.raises(LimitError) as caught:
        commit_fields(SECRET, {**fields, "one_more": 1})
    assert (caught.value.limit, caught.value.got) == (1023, 1024)


def test_an_opening_has_at_most_128_kib() -> None:
    salt = bytes(16)
    room = OPENING_MAX - len(opening_bytes("a", salt, ""))
    assert len(opening_bytes("a", salt, "x" * room)) == 131_072
    with pytest.raises(LimitError):
        opening_bytes("a", salt, "x" * (room + 1))
    assert len(commit_fields(SECRET, {"a": "x" * room, "b": 1}).openings[1]) == 131_072


@pytest.mark.parametrize("name", ["a", "a" * 128])
def test_no_opening_is_longer_however_long_its_name_is(name: str) -> None:
    room = OPENING_MAX - len(opening_bytes(name, bytes(16), ""))
    assert len(commit_fields(SECRET, {name: "x" * room}).openings[1]) == 131_072
    with pytest.raises(LimitError) as caught:
        commit_fields(SECRET, {name: "x" * (room + 1)})
    assert (caught.value.where, caught.value.limit, caught.value.got) == (name, 131_072, 131_073)


def test_names_that_do_not_fit_into_their_opening_are_refused() -> None:
    fields = {f"{'a' * 123}{number:05}": None for number in range(1020)}
    with pytest.raises(LimitError) as caught:
        commit_fields(SECRET, fields)
    assert caught.value.where == "@names"


@pytest.mark.parametrize("name", ["@names", "", "A", "a.", "a" * 129, "a\n"])
def test_a_name_outside_the_grammar_is_not_committed(name: str) -> None:
    with pytest.raises((MalformedError, LimitError)):
        commit_fields(SECRET, {name: 1})


def test_a_salt_of_another_length_is_refused() -> None:
    for size in (0, 15, 17, 32):
        with pytest.raises(MalformedError):
            opening_bytes("a", bytes(size), 1)


def test_values_outside_the_format_are_refused() -> None:
    deep: Any = 0
    for _ in range(8):
        deep = [deep]
    check_value(deep)
    with pytest.raises(LimitError):
        check_value([deep])
    for bad in (1.5, 2**53, "\ud800", {1: 1}, b""):
        with pytest.raises(MalformedError):
            check_value(bad)  # type: ignore[arg-type]  # the point of the test
        with pytest.raises(MalformedError) as caught:
            commit_fields(SECRET, {"a.b": bad})  # type: ignore[dict-item]  # the point of the test
        assert caught.value.where == "a.b"


def test_importing_says_nothing_about_sha3() -> None:
    code = "import warnings; warnings.simplefilter('error'); import ledger.entry.commitment"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
