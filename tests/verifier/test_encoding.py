"""Base64, hex, decimal and times: Python's wider readings are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.encoding import BadEncoding, base64_bytes, base64_hash, decimal, hex_hash, is_hex, time_text, time_us


@pytest.mark.parametrize("text", ["", "AA==", "AAA=", "AAAA", "+/+/"])
def test_base64(text: str) -> None:
    base64_bytes(text)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AAA",
        "AA=",
        "AB==",
        "AAB=",
        "AA== ",
        " AA==",
        "AA==\n",
        "AAAA\n",
        "A A A A",
        "-_-_",
        "AA==AA==",
        "=",
        "====",
        "ＡAAA",
    ],
)
def test_base64_refused(text: str) -> None:
    with pytest.raises(BadEncoding):
        base64_bytes(text)


@pytest.mark.parametrize("text", ["0", "7", "10", "18446744073709551616"])
def test_decimal(text: str) -> None:
    assert str(decimal(text)) == text


@pytest.mark.parametrize(
    "text", ["", "00", "01", "+1", "-1", "1_0", " 1", "1 ", "1\n", "٣", "1e1", "1.0", "0x1", "²", "1" * 256]
)
def test_decimal_refused(text: str) -> None:
    with pytest.raises(BadEncoding):
        decimal(text)


def test_hex() -> None:
    assert hex_hash("0f" * 32) == b"\x0f" * 32
    for text in ("0F" * 32, "0f" * 31, "0f" * 33, "0f" * 31 + "0 ", "0f" * 32 + "\n", "０" * 64):
        with pytest.raises(BadEncoding):
            hex_hash(text)
    assert is_hex("", 0) and not is_hex("g", 1)
    with pytest.raises(BadEncoding):
        base64_hash("AAAA")


@pytest.mark.parametrize(
    "text",
    ["1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
)
def test_times_go_there_and_back(text: str) -> None:
    assert time_text(time_us(text) // 1_000) == text


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00:00.000Z",
        "2024-00-01T00:00:00.000Z",
        "2024-13-01T00:00:00.000Z",
        "2024-01-01T24:00:00.000Z",
        "2024-01-01T00:60:00.000Z",
        "2016-12-31T23:59:60.000Z",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.00Z",
        "2024-01-01T00:00:00.000000Z",
        "2024-01-01T00:00:00.000z",
        "2024-01-01t00:00:00.000Z",
        "2024-01-01 00:00:00.000Z",
        "2024-01-01T00:00:00.000+00:00",
        "2024-01-01T00:00:00,000Z",
        "2024-01-01T00:00:00.000Z\n",
        "0000-01-01T00:00:00.000Z",
        "+024-01-01T00:00:00.000Z",
        "٢٠٢٤-01-01T00:00:00.000Z",
        "",
    ],
)
def test_times_refused(text: str) -> None:
    with pytest.raises(BadEncoding):
        time_us(text)


@given(st.integers(-(10**40), 10**40))
def test_times_beyond_the_calendar_are_none(milliseconds: int) -> None:
    text = time_text(milliseconds)
    assert text is None or time_us(text) == milliseconds * 1_000
