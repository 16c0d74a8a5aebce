"""Canonical JSON: the one byte form and no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.canonical_json import MAX_NESTING, Json, NotCanonical, depth, dump, is_int, parse

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=12)


@given(VALUES)
@settings(max_examples=300)
def test_what_is_dumped_parses_and_is_json(value: Json) -> None:
    if depth(value) > MAX_NESTING:
        return
    data = dump(value)
    assert parse(data) == value
    assert json.loads(data) == value


@given(VALUES.filter(lambda value: depth(value) <= MAX_NESTING), st.data())
@settings(max_examples=200)
def test_no_other_bytes_have_the_same_value(value: Json, draw: st.DataObject) -> None:
    data = bytearray(dump(value))
    at = draw.draw(st.integers(0, len(data)))
    data[at:at] = draw.draw(
        st.sampled_from([b" ", b"\n", b"\t", b"\xef\xbb\xbf", b"\\u0041", b"+", b"0", b",", b"\x0b"])
    )
    try:
        parsed = parse(bytes(data))
    except NotCanonical:
        return
    assert dump(parsed) == bytes(data)


def test_rfc_8785_order_and_escapes() -> None:
    """RFC 8785 §3.2.3: names are ordered by UTF-16 code units, so a surrogate pair comes before U+FB33."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    expected = '{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\U0001f600":0,"\ufb33":0}'
    assert dump(dict.fromkeys(names, 0)).decode() == expected
    assert parse(expected.encode()) == dict.fromkeys(names, 0)
    assert (
        dump('\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"'.encode()
    )


REFUSED = [
    b"",
    b" ",
    b"1 ",
    b" 1",
    b"\n1",
    b"[1, 2]",
    b'{"a": 1}',
    b'{"b":1,"a":1}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":1}',
    b"1.0",
    b"1e2",
    b"1E2",
    b"-0",
    b"+1",
    b"01",
    b"0x1",
    b"1_0",
    b".5",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9007199254740992",
    b"-9007199254740992",
    b"9" * 5_000,
    b"nul",
    b"True",
    b"truefalse",
    b"tru",
    b"'a'",
    b'"a',
    b'"\\u0041"',
    b'"\\/"',
    b'"\\u000A"',
    b'"\\u000a"',
    b'"\\u001F"',
    b'"\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b'"\t"',
    b'"\x00"',
    b"\xef\xbb\xbf1",
    b"[1,]",
    b"[,1]",
    b"[1",
    b"[",
    b"{",
    b'{"a"',
    b'{"a":',
    b'{"a":1',
    b'{"a":1,}',
    b"{1:1}",
    b"1,2",
    b"[1]]",
    "\u00a01".encode(),
    "\u0661".encode(),
    b"[" * 100_000,
    b'{"":' * 100_000,
    b"[]" * 2,
    b"/**/1",
    b"\x1c1",
    b'"\\"',
    b'"\\x41"',
]


@pytest.mark.parametrize("data", REFUSED, ids=lambda data: repr(data[:24]))
def test_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse(data)


def test_nesting_and_number_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert depth(parse(b"[" * 16 + b"]" * 16)) == 16
    with pytest.raises(NotCanonical, match="deeper"):
        parse(b"[" * 18 + b"]" * 18)
    monkeypatch.setattr("verifier.canonical_json.MAX_VALUES", 3)
    assert parse(b"[1,1]") == [1, 1]
    with pytest.raises(NotCanonical, match="more than 3"):
        parse(b"[1,1,1]")


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 0), ("", 0), (None, 0), ([], 1), ({}, 1), ([[]], 2), ({"a": [1]}, 2)]
)
def test_depth(value: Json, expected: int) -> None:
    assert depth(value) == expected


def test_true_is_no_integer() -> None:
    assert is_int(1) and not is_int(True) and not is_int("1") and not is_int(None)


def test_a_large_text_of_quotes_takes_no_quadratic_time() -> None:
    for data in (b'"' + b'\\"' * 200_000, b'["' + b'a","' * 200_000, b"[" + b"{}," * 200_000):
        with pytest.raises(NotCanonical):
            parse(data)
