"""Canonical JSON: equal to rfc8785 wherever both speak, and strict about everything else."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.entry.canonical_json import DEPTH_MAX, INTEGER_MAX, depth, parse, parse_strict, serialise
from ledger.errors import LimitError, MalformedError

# Keys from the corners where code points and UTF-16 code units are ordered differently, and where escapes begin.
CORNERS = '\x00\x1f\x7f"\\/aZ\u0080\u07ff\u0800\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600\U0010ffff\u2028\u2029'
TEXTS = st.text() | st.text(alphabet=CORNERS, max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5), max_leaves=25
)


@settings(max_examples=500)
@given(VALUES)
def test_serialise_equals_rfc8785_and_parse_inverts_it(value: Any) -> None:
    data = serialise(value)
    assert data == rfc8785.dumps(value)
    assert parse(data, where="x") == value


@settings(max_examples=500)
@given(st.dictionaries(st.text(alphabet=CORNERS, max_size=3), st.integers(0, 9), min_size=2, max_size=12))
def test_keys_are_ordered_by_utf16_code_units(value: dict[str, int]) -> None:
    keys = list(json.loads(serialise(value)))
    assert keys == sorted(value, key=lambda key: key.encode("utf-16-be"))
    assert serialise(value) == rfc8785.dumps(value)


def test_the_fast_order_would_be_wrong_where_it_is_not_used() -> None:
    # U+E000 is below U+10000 by code point, above it by UTF-16 code unit: the reason for the slow way.
    value = {"\ue000": 1, "\U00010000": 2}
    assert sorted(value) != sorted(value, key=lambda key: key.encode("utf-16-be"))
    assert serialise(value) == '{"\U00010000":2,"\ue000":1}'.encode()
    assert serialise([[value]]) == '[[{"\U00010000":2,"\ue000":1}]]'.encode()


class Text(str):
    pass


class Row(NamedTuple):
    first: int
    second: str


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


def test_subclasses_of_the_types_of_json_are_what_they_are_a_kind_of() -> None:
    for value, plain in (
        (Text("a"), "a"),
        (Row(1, "b"), [1, "b"]),
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (OrderedDict([("b", 1), ("a", Text("c"))]), {"a": "c", "b": 1}),
        ({Text("k"): [Number.ONE]}, {"k": [1]}),
    ):
        assert serialise(value) == rfc8785.dumps(plain), value


@pytest.mark.parametrize(
    "value",
    [datetime.now(UTC), date(2026, 1, 1), uuid4(), Row, b"x", {1}, 1.0, {"a": 0.5}, [uuid4()], {uuid4(): 1}, {1: 2}],
)
def test_what_orjson_would_take_beyond_json_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError):
        serialise(value)


@given(VALUES)
def test_a_clients_text_means_the_same_in_any_order_and_spacing(value: Any) -> None:
    text = json.dumps(value, indent=3, ensure_ascii=True)
    assert parse_strict(text.encode(), where="x") == value


@given(VALUES)
def test_canonical_parsing_refuses_every_other_spelling(value: Any) -> None:
    data = serialise(value)
    for other in (data + b"\n", b" " + data, json.dumps(value, indent=1).encode()):
        if other != data:
            with pytest.raises(MalformedError):
                parse(other, where="x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul",
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '[{"x":{"b":1,"b":2}}]',
        "NaN",
        "Infinity",
        "-Infinity",
        "1.0",
        "1.5",
        "1e2",
        "1E2",
        "-0.0",
        str(INTEGER_MAX + 1),
        str(-INTEGER_MAX - 1),
        "9" * 5000,
        "-" + "9" * 5000,
        "01",
        "+1",
        "1 2",
        "[1,]",
        "{'a':1}",
        '{"a":1,}',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"\\ud800":1}',
        '[{"a":["\\udfff"]}]',
        '"\n"',
        '"\x00"',
        '"\\x41"',
        '"abc',
        "\ufeff{}",
        "// x\n1",
        "\u00a01",
    ],
)
def test_a_text_with_two_readings_or_none_is_refused(text: str) -> None:
    for reader in (parse, parse_strict):
        with pytest.raises(MalformedError) as caught:
            reader(text.encode("utf-8", "surrogatepass"), where="request")
        assert caught.value.where == "request"


@pytest.mark.parametrize("data", [b"\xff", b'"\xc3"', b'"\xed\xa0\x80"', '"a"'.encode("utf-16"), b'"\xc0\xaf"'])
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_strict(data, where="request")


def test_integers_up_to_the_edge_pass() -> None:
    for number in (INTEGER_MAX, -INTEGER_MAX, 0):
        assert parse(str(number).encode(), where="x") == number
    # A reader of JSON takes -0 for 0; canonical bytes have only one spelling.
    assert parse_strict(b"-0", where="x") == 0
    with pytest.raises(MalformedError):
        parse(b"-0", where="x")


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        1.5,
        float("nan"),
        INTEGER_MAX + 1,
        -INTEGER_MAX - 1,
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {None: 1},
        b"x",
        {1},
        object(),
        [b"x"],
    ],
)
def test_values_without_canonical_bytes_are_refused(value: Any) -> None:
    for nested in (value, [value], {"a": value}):
        with pytest.raises(MalformedError):
            serialise(nested, where="field")


def test_nesting_is_counted_and_limited() -> None:
    assert [depth(value) for value in (1, "a", [], {}, [1], [[]], {"a": [{}]})] == [0, 0, 1, 1, 1, 2, 3]
    value: Any = 0
    for _ in range(8):
        value = [value]
    assert serialise(value, max_depth=8) == b"[" * 8 + b"0" + b"]" * 8
    assert parse(serialise(value), where="x", max_depth=8) == value
    for reader in (parse, parse_strict):
        with pytest.raises(LimitError) as caught:
            reader(serialise([value]), where="x", max_depth=8)
        assert (caught.value.limit, caught.value.got) == (8, 9)
    with pytest.raises(LimitError):
        serialise([value], max_depth=8)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_a_bomb_of_brackets_is_refused_before_any_recursion(opening: bytes) -> None:
    for data in (opening * 200_000, opening * 200_000 + b"]" * 200_000):
        with pytest.raises(LimitError):
            parse_strict(data, where="request")


def test_a_deep_value_is_refused_without_recursion() -> None:
    value: Any = 0
    for _ in range(100_000):
        value = [value]
    assert depth(value) == 100_000
    with pytest.raises(LimitError):
        serialise(value)
    while value:
        value = value.pop() if isinstance(value, list) else 0


def test_brackets_inside_strings_are_not_nesting() -> None:
    text = "[{" * 500 + '"\\'
    assert parse(serialise([text]), where="x") == [text]
    assert parse(serialise([[]] * 500), where="x") == [[]] * 500
    assert DEPTH_MAX < 500


def test_an_unterminated_string_takes_no_quadratic_time() -> None:
    with pytest.raises(MalformedError):
        parse_strict(b"[" * 65 + b"]" * 65 + b'"' + b'\\"' * 500_000, where="request", max_depth=65)


def test_a_tuple_is_a_list() -> None:
    assert serialise(("a", (1, None))) == b'["a",[1,null]]'
