"""Leaves: one text for each, and every rule of the format refused when broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import INTEGER_MAX
from ledger.entry.commitment import Commitment
from ledger.entry.kinds import CASE_KINDS, SYSTEM_KINDS
from ledger.entry.leaf import LEAF_MAX, Leaf, format_leaf, format_time, parse_leaf, parse_time
from ledger.errors import LedgerError, LimitError, MalformedError
from tests.ledger.entry.test_canonical_json import VALUES

FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999
TIMES = st.integers(FIRST_MS, LAST_MS).map(format_time)
HASHES = st.binary(min_size=32, max_size=32)

CASE_LEAF = Leaf(
    chain="5f0c" * 8,
    kind="evidence.anchored",
    prev=bytes(range(32)),
    seq=3,
    time="2026-11-21T09:15:02.123Z",
    fields=Commitment(b"\x9a" * 32, 7),
)
SYSTEM_LEAF = replace(CASE_LEAF, kind="log.opened", prev=None, seq=0, fields=None, public={"origin": "x", "v": 1})


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    public = draw(st.booleans())
    seq = draw(st.integers(0, 3) | st.integers(0, INTEGER_MAX))
    return Leaf(
        chain=draw(st.binary(min_size=16, max_size=16)).hex(),
        kind=draw(st.sampled_from(sorted(SYSTEM_KINDS if public else CASE_KINDS)) | st.just("something.new")),
        prev=None if seq == 0 else draw(HASHES),
        seq=seq,
        time=draw(TIMES),
        fields=None if public else Commitment(draw(HASHES), draw(st.integers(1, 1024))),
        public=draw(st.dictionaries(st.text(max_size=5), VALUES, max_size=3)) if public else None,
    )


def members(leaf: Leaf) -> dict[str, Any]:
    """The leaf as a plain object, written apart from the code under test."""
    plain: dict[str, Any] = {"chain": leaf.chain, "kind": leaf.kind, "seq": leaf.seq, "time": leaf.time, "v": 1}
    plain["prev"] = None if leaf.prev is None else leaf.prev.hex()
    if leaf.fields is not None:
        plain["fields"] = {"count": leaf.fields.count, "root": leaf.fields.root.hex()}
    else:
        plain["public"] = leaf.public
    return plain


@given(leaves())
def test_leaves_round_trip_and_are_rfc8785(leaf: Leaf) -> None:
    try:
        data = format_leaf(leaf)
    except LimitError:
        return  # a public value nested beyond 8
    assert data == rfc8785.dumps(members(leaf))
    assert parse_leaf(data) == leaf


@given(leaves(), st.data())
def test_a_flipped_bit_is_another_leaf_or_none(leaf: Leaf, data: st.DataObject) -> None:
    try:
        good = format_leaf(leaf)
    except LimitError:
        return
    at = data.draw(st.integers(0, 8 * len(good) - 1))
    bad = bytearray(good)
    bad[at // 8] ^= 1 << at % 8
    try:
        other = parse_leaf(bytes(bad))
    except LedgerError:
        return
    assert other != leaf
    assert format_leaf(other) == bytes(bad)


def test_the_leaf_of_the_documents() -> None:
    assert format_leaf(CASE_LEAF) == (
        b'{"chain":"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c","fields":{"count":7,"root":"' + b"9a" * 32 + b'"},'
        b'"kind":"evidence.anchored","prev":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
        b'"seq":3,"time":"2026-11-21T09:15:02.123Z","v":1}'
    )


BROKEN: list[tuple[str, Any]] = [
    ("chain", "5f0c"), ("chain", "5F0C" * 8), ("chain", 1), ("chain", None), ("chain", "5f0c" * 8 + "\n"),
    ("kind", "Evidence"), ("kind", ""), ("kind", 1), ("kind", "a" * 129), ("kind", "log.opened"),
    ("prev", None), ("prev", "00" * 31), ("prev", "AB" * 32), ("prev", 0), ("prev", "00" * 33),
    ("seq", 0), ("seq", -1), ("seq", True), ("seq", "3"), ("seq", None), ("seq", INTEGER_MAX + 1), ("seq", 3.0),
    ("time", "2026-11-21T09:15:02Z"), ("time", "2026-02-29T00:00:00.000Z"), ("time", 1), ("time",
    "2026-11-21T09:15:60.000Z"),
    ("v", 2), ("v", True), ("v", "1"), ("v", None), ("v", 0), ("v", 1.0),
    ("fields", {"count": 0, "root": "9a" * 32}), ("fields", {"count": 1025, "root": "9a" * 32}),
    ("fields", {"count": True, "root": "9a" * 32}), ("fields", {"count": 7, "root": "9A" * 32}),
    ("fields", {"count": 7, "root": "9a" * 31}), ("fields", {"count": 7}), ("fields", {"root": "9a" * 32}),
    ("fields", {"count": 7, "root": "9a" * 32, "x": 1}), ("fields", None), ("fields", []), ("fields", {}),
    ("public", {}), ("extra", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_each_broken_member_is_refused(name: str, value: Any) -> None:
    good = members(CASE_LEAF)
    assert parse_leaf(rfc8785.dumps(good)) == CASE_LEAF
    try:
        data = rfc8785.dumps({**good, name: value})
    except rfc8785.IntegerDomainError:
        data = rfc8785.dumps(good).replace(b'"seq":3', b'"seq":%d' % value)
    if value == 3.0 and isinstance(value, float):
        data = data.replace(b'"seq":3', b'"seq":3.0')
    if value == 1.0 and isinstance(value, float):
        data = data.replace(b'"v":1', b'"v":1.0')
    with pytest.raises((MalformedError, LimitError)):
        parse_leaf(data)


@pytest.mark.parametrize("name", sorted(members(CASE_LEAF)))
def test_each_missing_member_is_refused(name: str) -> None:
    plain = members(CASE_LEAF)
    del plain[name]
    with pytest.raises(MalformedError):
        parse_leaf(rfc8785.dumps(plain))


def test_prev_is_null_at_seq_0_and_only_there() -> None:
    first = replace(CASE_LEAF, seq=0, prev=None)
    assert parse_leaf(format_leaf(first)) == first
    for bad in (replace(first, seq=1), replace(first, prev=bytes(32))):
        with pytest.raises(MalformedError):
            format_leaf(bad)
        with pytest.raises(MalformedError):
            parse_leaf(rfc8785.dumps(members(bad)))


def test_a_system_kind_with_fields_and_a_cases_kind_with_public_are_refused() -> None:
    assert parse_leaf(format_leaf(SYSTEM_LEAF)) == SYSTEM_LEAF
    for bad in (replace(SYSTEM_LEAF, kind="member.added"), replace(CASE_LEAF, kind="timestamp.recorded")):
        with pytest.raises(MalformedError):
            format_leaf(bad)
        with pytest.raises(MalformedError):
            parse_leaf(rfc8785.dumps(members(bad)))


def test_public_is_an_object_at_most_8_deep() -> None:
    deep: Any = 0
    for _ in range(7):
        deep = [deep]
    good = replace(SYSTEM_LEAF, public={"a": deep})
    assert parse_leaf(format_leaf(good)) == good
    bad = replace(SYSTEM_LEAF, public={"a": [deep]})
    with pytest.raises(LimitError):
        format_leaf(bad)
    with pytest.raises(LimitError):
        parse_leaf(rfc8785.dumps(members(bad)))
    for other in ([], 1, None, "x"):
        with pytest.raises(MalformedError):
            parse_leaf(rfc8785.dumps({**members(SYSTEM_LEAF), "public": other}))


def test_the_longest_leaf_has_65535_bytes() -> None:
    room = LEAF_MAX - len(format_leaf(replace(SYSTEM_LEAF, public={"a": ""})))
    longest = replace(SYSTEM_LEAF, public={"a": "x" * room})
    assert len(format_leaf(longest)) == 65_535
    assert parse_leaf(format_leaf(longest)) == longest
    bad = replace(SYSTEM_LEAF, public={"a": "x" * (room + 1)})
    with pytest.raises(LimitError):
        format_leaf(bad)
    with pytest.raises(LimitError):
        parse_leaf(rfc8785.dumps(members(bad)))


@pytest.mark.parametrize(
    "change",
    [
        {"chain": "x"}, {"kind": "X"}, {"prev": b"x"}, {"seq": -1}, {"time": "now"}, {"fields": None},
        {"fields": Commitment(b"", 7)}, {"fields": Commitment(bytes(32), 0)}, {"fields": Commitment(bytes(32), 1025)},
        {"public": {}},
    ],
)  # fmt: skip
def test_a_leaf_that_no_reader_takes_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        format_leaf(replace(CASE_LEAF, **change))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"1", b"null", b"\xff", format_leaf(CASE_LEAF) + b"\n", b"[" * 70_000]
)
def test_other_bytes_are_no_leaf(data: bytes) -> None:
    with pytest.raises((MalformedError, LimitError)):
        parse_leaf(data)


def test_a_leaf_in_another_order_is_refused() -> None:
    plain = members(CASE_LEAF)
    text = "{" + ",".join(f'"{key}":{rfc8785.dumps(plain[key]).decode()}' for key in sorted(plain, reverse=True)) + "}"
    with pytest.raises(MalformedError):
        parse_leaf(text.encode())


@given(st.integers(FIRST_MS, LAST_MS))
def test_times_round_trip(moment: int) -> None:
    text = format_time(moment)
    assert parse_time(text) == moment
    assert len(text) == 24
    seconds, milliseconds = divmod(moment, 1000)
    assert text.startswith(datetime.fromtimestamp(seconds, UTC).isoformat()[:19])
    assert text.endswith(f".{milliseconds:03}Z")


@pytest.mark.parametrize("moment", [FIRST_MS - 1, LAST_MS + 1, 10**30, -(10**30)])
def test_a_moment_outside_four_digit_years_has_no_text(moment: int) -> None:
    with pytest.raises(LimitError):
        format_time(moment)


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-21", "2026-11-21T09:15:02Z", "2026-11-21T09:15:02.12Z", "2026-11-21T09:15:02.1234Z",
        "2026-11-21 09:15:02.123Z",
        "2026-11-21T09:15:02.123", "2026-11-21T09:15:02.123+00:00", "2026-11-21t09:15:02.123z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T23:59:60.000Z", "2026-11-31T00:00:00.000Z", "2025-02-29T00:00:00.000Z", "0000-01-01T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z", "2026-00-01T00:00:00.000Z", "2026-11-21T09:60:00.000Z", "２026-11-21T09:15:02.123Z",
        "2026-11-21T09:15:02.123Z\n", "2026-11-21T09:15:02,123Z",
    ],
)  # fmt: skip
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_time(text)


def test_the_leap_day_exists() -> None:
    assert format_time(parse_time("2024-02-29T23:59:59.999Z")) == "2024-02-29T23:59:59.999Z"
