"""Entry bundles: lengths in front, all bytes used, the width known from the tree's size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LimitError, MalformedError
from ledger.merkle.entry_bundles import BUNDLED_LEAF_MAX, format_entry_bundle, parse_entry_bundle

of_one_length = st.integers(0, 300).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=20))


@given(st.one_of(st.lists(st.binary(max_size=300), max_size=20), of_one_length))
def test_bundles_round_trip(leaves: list[bytes]) -> None:
    data = format_entry_bundle(leaves)
    assert parse_entry_bundle(data, len(leaves)) == leaves
    for bad in (data + b"\x00", data + b"\x00\x00", data + b"\x00\x05abc", data[:-1]):
        if bad != data:
            with pytest.raises(MalformedError):
                parse_entry_bundle(bad, len(leaves))
    for width in (len(leaves) - 1, len(leaves) + 1):
        with pytest.raises(MalformedError):
            parse_entry_bundle(data, width)


@given(of_one_length, st.data())
def test_a_changed_length_is_seen(leaves: list[bytes], data: st.DataObject) -> None:
    """What is read is what was written, byte for byte, or nothing."""
    whole = bytearray(format_entry_bundle(leaves))
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = parse_entry_bundle(bytes(whole), len(leaves))
    except MalformedError:
        return
    assert format_entry_bundle(read) == whole


def test_the_bundle_of_the_documents() -> None:
    assert format_entry_bundle([b"one", b"two"]) == bytes.fromhex("00036f6e65000374776f")


def test_the_longest_leaf_and_the_fullest_bundle() -> None:
    longest = bytes(BUNDLED_LEAF_MAX)
    assert parse_entry_bundle(format_entry_bundle([longest] * 2), 2) == [longest] * 2
    with pytest.raises(LimitError):
        format_entry_bundle([longest + b"\x00"])
    assert len(parse_entry_bundle(format_entry_bundle([b""] * 256), 256)) == 256
    with pytest.raises(LimitError):
        format_entry_bundle([b""] * 257)
