"""verifier.der: one encoding per value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier import token_forge as forge
from verifier import der


@given(st.integers(-(2**1000), 2**1000))
def test_an_integer_is_read_as_it_was_written_and_never_padded(value: int) -> None:
    raw = forge.tlv(0x02, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))
    assert der.integer(der.read_der(raw), "n") == value
    padding = b"\xff" if value < 0 else b"\x00"
    with pytest.raises(der.DerError, match="shortest form"):
        der.integer(der.read_der(forge.tlv(0x02, padding + raw[2:] if len(raw) < 130 else padding + raw[3:])), "n")


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**128), max_size=6))
def test_an_object_identifier_is_read_as_it_was_written(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.oid(der.read_der(forge.oid(dotted)), "oid") == dotted


@pytest.mark.parametrize("content", ["", "80", "2a8001", "2a86", "2a80", "81" * 128 + "01"])
def test_object_identifiers_padded_cut_or_too_long(content: str) -> None:
    with pytest.raises(der.DerError):
        der.oid(der.read_der(forge.tlv(0x06, bytes.fromhex(content))), "oid")


def test_the_first_two_arcs() -> None:
    for content, dotted in (
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
        ("4f", "1.39"),
        ("50", "2.0"),
        ("8837", "2.999"),
    ):
        assert der.oid(der.read_der(forge.tlv(0x06, bytes.fromhex(content))), "oid") == dotted


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "the end"),
        ("30", "the end"),
        ("3001", "expected 1 bytes"),
        ("308000000000", "definite"),
        ("30810100", "shortest form"),
        ("3081", "shortest form"),
        ("30820001aa", "shortest form"),
        ("3082", "shortest form"),
        ("04820080" + "aa" * 128, "shortest form"),
        ("30850000000000", "definite"),
        ("30ff", "definite"),
        ("3000aa", "nothing after"),
        ("3f0100", "tag of one byte"),
        ("1f8100", "tag of one byte"),
    ],
)
def test_what_is_not_der(raw: str, why: str) -> None:
    with pytest.raises(der.DerError, match=why):
        der.read_der(bytes.fromhex(raw))


def test_the_same_values_well_formed() -> None:
    assert der.read_der(bytes.fromhex("3000")).children() == []
    long = der.read_der(forge.tlv(0x04, bytes(200)))
    assert (long.tag, long.content, len(long.raw)) == (0x04, bytes(200), 203)
    with pytest.raises(der.DerError, match="constructed"):
        long.children()


def test_members_must_fill_their_sequence() -> None:
    assert [child.tag for child in der.read_der(bytes.fromhex("30050201010500")).children()] == [2, 5]
    for inner in ("3003020201", "30040201010200aa"[:12], "300402010105"):
        with pytest.raises(der.DerError):
            der.read_der(bytes.fromhex(inner)).children()


def test_depth_is_bounded() -> None:
    raw = b"\x05\x00"
    for _ in range(der.MAX_DEPTH + 1):
        raw = forge.sequence(raw)
    node = der.read_der(raw)
    for _ in range(der.MAX_DEPTH):
        node = node.children()[0]
    with pytest.raises(der.DerError, match="levels"):
        node.children()


def test_members_are_bounded() -> None:
    assert len(der.read_der(forge.sequence(b"\x05\x00" * der.MAX_MEMBERS)).children()) == der.MAX_MEMBERS
    with pytest.raises(der.DerError, match="members"):
        der.read_der(forge.sequence(b"\x05\x00" * (der.MAX_MEMBERS + 1))).children()


def test_size_is_bounded() -> None:
    fits = forge.tlv(0x04, bytes(der.MAX_BYTES - 5))
    assert len(der.read_der(fits).raw) == der.MAX_BYTES
    with pytest.raises(der.DerError, match="at most"):
        der.read_der(forge.tlv(0x04, bytes(der.MAX_BYTES - 4)))
    der.integer(der.read_der(forge.tlv(0x02, b"\x7f" * der.MAX_INTEGER_BYTES)), "n")
    for content in (b"", b"\x7f" * (der.MAX_INTEGER_BYTES + 1)):
        with pytest.raises(der.DerError):
            der.integer(der.read_der(forge.tlv(0x02, content)), "n")


@pytest.mark.parametrize(("content", "value"), [("00", False), ("ff", True), ("01", None), ("", None), ("ffff", None)])
def test_booleans(content: str, value: bool | None) -> None:
    node = der.read_der(forge.tlv(0x01, bytes.fromhex(content)))
    if value is None:
        with pytest.raises(der.DerError):
            der.boolean(node, "flag")
    else:
        assert der.boolean(node, "flag") is value


def test_fields_are_taken_in_order_and_none_is_left() -> None:
    raw = forge.sequence(forge.integer(1), b"\x05\x00")
    fields = der.Fields(der.read_der(raw), "pair")
    assert fields.optional(0x04) is None
    fields.take(0x02)
    with pytest.raises(der.DerError, match="no further member"):
        fields.end()
    assert fields.optional_any() is not None
    fields.end()
    assert fields.optional_any() is None
    with pytest.raises(der.DerError, match="the end"):
        fields.take_any()
    with pytest.raises(der.DerError, match="tag 0x04"):
        der.Fields(der.read_der(raw), "pair").take(0x04)
    with pytest.raises(der.DerError, match="one value"):
        der.read_der(raw).only_child(0x02, "pair")


@given(st.binary(max_size=64))
def test_any_bytes_are_read_back_or_refused(data: bytes) -> None:
    try:
        node = der.read_der(data)
    except der.DerError:
        return
    assert node.raw == data == forge.tlv(node.tag, node.content)
