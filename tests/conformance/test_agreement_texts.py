"""Canonical JSON, names, numbers, times, base64 and hex: both implementations read and write them alike."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import canonical_json as ledgers_json
from ledger.entry.leaf import format_time, parse_time
from ledger.entry.names import check_name
from ledger.entry.receipt_number import format_number, parse_number
from ledger.entry.text_encodings import decode_base64, decode_hex
from tests.conformance.agreement import (
    JSON_PIECES,
    NAMES,
    REFUSED,
    SMALL,
    TIMES,
    VALUES,
    agree,
    asked,
    bent,
    decode_free,
)
from verifier import canonical_json as verifiers_json
from verifier.encoding import base64_bytes, hex_hash, time_text, time_us
from verifier.errors import VerifierError
from verifier.field_name import is_field_name
from verifier.receipt_number import index_of

DEEPEST = 17
"""Levels that the verifier reads, above every format's; the ledger's reader is told the same."""


def same_json(data: bytes) -> bool:
    """As text of the value: to Python, true is 1."""
    return agree(
        lambda: repr(ledgers_json.parse(data, where="x", max_depth=DEEPEST)), lambda: repr(verifiers_json.parse(data))
    )


@given(VALUES)
def test_canonical_json_is_written_alike(value: Any) -> None:
    data = ledgers_json.serialise(value)
    assert verifiers_json.dump(value) == data
    assert same_json(data)
    assert ledgers_json.depth(value) == verifiers_json.depth(value)


@given(bent(VALUES.map(lambda value: ledgers_json.serialise(value).decode()), JSON_PIECES))
def test_bent_json(text: str) -> None:
    same_json(text.encode())


@given(bent(VALUES.map(lambda value: json.dumps(value, ensure_ascii=True)), JSON_PIECES))
def test_json_of_another_writer(text: str) -> None:
    same_json(text.encode())


@given(VALUES, st.integers(0, 200), st.integers(0, 255))
def test_json_with_a_byte_changed(value: Any, at: int, byte: int) -> None:
    data = ledgers_json.serialise(value)
    at = min(at, len(data) - 1)
    same_json(data[:at] + bytes([byte]) + data[at + 1 :])


@pytest.mark.parametrize("levels", [15, 16, 17, 18, 64])
def test_json_nested(levels: int) -> None:
    assert same_json(b"[" * levels + b"]" * levels) is (levels <= DEEPEST)


def named(name: str) -> str:
    check_name(name)
    return name


def verifiers_name(name: str) -> str:
    if not is_field_name(name):
        raise VerifierError
    return name


@given(st.one_of(bent(NAMES, SMALL), st.integers(120, 136).map(lambda size: "a" * size), st.text(max_size=4)))
def test_names(name: str) -> None:
    agree(lambda: named(name), lambda: verifiers_name(name))


@given(bent(st.integers(0, 10**10 - 1).map(format_number), [*SMALL, "98", "01", "EL-"]))
def test_receipt_numbers(text: str) -> None:
    agree(lambda: parse_number(text), lambda: index_of(text))


@pytest.mark.parametrize("index", [0, 1, 96, 97, 98, 194, 9_999_999_999])
def test_every_pair_of_check_digits(index: int) -> None:
    accepted = [agree(partial(parse_number, text), partial(index_of, text)) for text in check_pairs(index)]
    assert accepted.count(True) == 1


def check_pairs(index: int) -> list[str]:
    return [f"EL-{index:010d}-{check:02d}" for check in range(100)]


@given(bent(TIMES, [*SMALL, "24", "60", "61", "02-29", "02-30", "13", "0000", "T", "t", "Z", "z", "+00:00", ".1", ","]))
def test_times(text: str) -> None:
    agree(lambda: parse_time(text) * 1_000, lambda: time_us(text))


@given(st.integers(-62_135_596_800_000 - 5, 253_402_300_799_999 + 5))
def test_times_are_written_alike(milliseconds: int) -> None:
    written = asked(lambda: format_time(milliseconds))
    assert (time_text(milliseconds) or REFUSED) == written


@given(bent(st.binary(max_size=40).map(lambda data: decode_free(data)), SMALL))
def test_base64(text: str) -> None:
    agree(lambda: decode_base64(text, None, "x"), lambda: base64_bytes(text))


@given(bent(st.binary(min_size=32, max_size=32).map(bytes.hex), [*SMALL, "F", "g"]))
def test_hex(text: str) -> None:
    agree(lambda: decode_hex(text, 32, "x"), lambda: hex_hash(text))
