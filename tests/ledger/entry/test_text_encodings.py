"""Strict hex, base64 and decimals: each junk that Python's own readers let pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.text_encodings import DECIMAL_MAX, decode_base64, decode_decimal, decode_hex, encode_base64
from ledger.errors import MalformedError


@given(st.binary(max_size=100))
def test_round_trips(data: bytes) -> None:
    assert decode_base64(encode_base64(data), len(data), "x") == data
    assert decode_hex(data.hex(), len(data), "x") == data
    with pytest.raises(MalformedError):
        decode_base64(encode_base64(data), len(data) + 1, "x")
    with pytest.raises(MalformedError):
        decode_hex(data.hex(), len(data) + 1, "x")


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AA=",
        "AAA",
        "AB==",
        "AAB=",
        "AAAA\n",
        " AAAA",
        "AA-_",
        "AA==AA==",
        "AAAA=",
        "====",
        "ÄAAA",
        "A\u0000AA",
    ],
)
def test_base64_that_b64decode_might_take(text: str) -> None:
    with pytest.raises(MalformedError):
        decode_base64(text, None, "x")


@pytest.mark.parametrize("text", ["A", "AB", "aB", "0", "a b", "ab ", "0x", "g0", "ａｂ", "ab\n"])
def test_hex_that_fromhex_might_take(text: str) -> None:
    with pytest.raises(MalformedError):
        decode_hex(text, None, "x")


@given(st.integers(0, DECIMAL_MAX))
def test_decimals_round_trip(number: int) -> None:
    assert decode_decimal(str(number), "x") == number


@pytest.mark.parametrize(
    "text", ["", "+5", "-0", "-1", "00", "01", "1_000", " 7", "7\n", "٣", "1e3", str(DECIMAL_MAX + 1), "9" * 5000]
)
def test_decimals_that_int_might_take(text: str) -> None:
    with pytest.raises(MalformedError):
        decode_decimal(text, "x")
