"""What is recognised is a leaf that the strict reader takes, with the same values; nothing else is."""

from __future__ import annotations

from binascii import hexlify

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.entry.commitment import COUNT_MAX, Commitment
from ledger.entry.kinds import CASE_KINDS
from ledger.entry.known_leaf import claimed_commitment, claimed_kind, claimed_place, claimed_prev, leaf_head, recognise
from ledger.entry.leaf import Leaf, format_leaf, format_time, parse_leaf
from ledger.errors import LedgerError

CHAIN = bytes(range(16))
PREV = bytes(range(32))
ROOT = bytes(range(100, 132))

leaves = st.builds(
    Leaf,
    chain=st.just(CHAIN.hex()),
    kind=st.sampled_from([*sorted(CASE_KINDS), "a", "benchmark.recorded", "x" * 128]),
    prev=st.just(PREV),
    seq=st.integers(1, 2**53 - 1),
    time=st.integers(0, 4_000_000_000_000).map(format_time),
    fields=st.builds(Commitment, st.just(ROOT), st.integers(1, COUNT_MAX)),
)


def is_recognised(data: bytes, kind: str, seq: int, prev: bytes = PREV) -> bool:
    return recognise(data, leaf_head(CHAIN), kind, hexlify(prev), seq)


@given(leaves)
def test_every_leaf_of_a_case_with_a_leaf_before_it_is_recognised(leaf: Leaf) -> None:
    data = format_leaf(leaf)
    assert is_recognised(data, leaf.kind, leaf.seq)
    assert claimed_prev(data, leaf.kind) == hexlify(PREV)
    assert claimed_place(data) == (CHAIN, leaf.seq, leaf.kind)
    assert claimed_kind(data) == leaf.kind
    assert leaf.fields is not None
    assert claimed_commitment(data) == (leaf.fields.count, leaf.fields.root)


@given(leaves, st.data())
def test_what_is_recognised_is_what_the_strict_reader_reads(leaf: Leaf, data: st.DataObject) -> None:
    """Some bytes changed, taken out or put in: where it is still recognised, it still parses, to these values."""
    whole = format_leaf(leaf)
    at = data.draw(st.integers(0, len(whole)))
    taken = data.draw(st.integers(0, 3))
    put = data.draw(
        st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b",", b"0", b"f", b"F", b"\n", b"}", b'":']))
    )
    changed = whole[:at] + put + whole[at + taken :]
    kind = data.draw(st.sampled_from([leaf.kind, "log.opened", "no such", "", "evidence.anchored"]))
    if is_recognised(changed, kind, leaf.seq):
        read = parse_leaf(changed)
        assert (read.chain, read.kind, read.prev, read.seq) == (CHAIN.hex(), kind, PREV, leaf.seq)
        assert read.fields is not None
        assert claimed_commitment(changed) == (read.fields.count, read.fields.root)


@given(st.binary(max_size=400), st.text(max_size=20), st.integers())
@example(b"", "", 0)
def test_any_bytes_are_looked_at_without_an_error(data: bytes, kind: str, seq: int) -> None:
    assert not is_recognised(data, kind, seq)
    claimed_prev(data, kind)
    claimed_commitment(data)
    claimed_place(data)
    claimed_kind(data)


@pytest.mark.parametrize(
    "part",
    [
        (b'"count":7', b'"count":0'),
        (b'"count":7', b'"count":07'),
        (b'"count":7', b'"count":1025'),
        (b'"count":7', b'"count":+7'),
        (ROOT.hex().encode(), ROOT.hex().upper().encode()),
        (ROOT.hex().encode(), ROOT.hex().encode()[:-1]),
        (b"2026-11-21", b"2026-02-30"),
        (b"2026-11-21", b"2026-11-2a"),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v": 1'),
        (PREV.hex().encode(), PREV.hex().upper().encode()),
    ],
)
def test_faults_that_the_strict_reader_refuses_are_not_recognised(part: tuple[bytes, bytes]) -> None:
    whole = format_leaf(Leaf(CHAIN.hex(), "case.opened", PREV, 3, "2026-11-21T09:15:02.123Z", Commitment(ROOT, 7)))
    assert is_recognised(whole, "case.opened", 3)
    changed = whole.replace(*part)
    assert changed != whole
    with pytest.raises(LedgerError):
        parse_leaf(changed)
    assert not is_recognised(changed, "case.opened", 3)


def test_another_place_is_not_recognised() -> None:
    whole = format_leaf(Leaf(CHAIN.hex(), "case.opened", PREV, 3, "2026-11-21T09:15:02.123Z", Commitment(ROOT, 7)))
    assert not is_recognised(whole, "case.opened", 4)
    assert not is_recognised(whole, "case.closed", 3)
    assert not is_recognised(whole, "case.opened", 3, ROOT)
    assert not recognise(whole, leaf_head(bytes(16)), "case.opened", hexlify(PREV), 3)
    with pytest.raises(ValueError, match="chain of 16 bytes"):
        leaf_head(b"")


def test_a_kind_of_the_system_chain_is_never_recognised_with_fields() -> None:
    whole = format_leaf(
        Leaf(CHAIN.hex(), "case.opened", PREV, 3, "2026-11-21T09:15:02.123Z", Commitment(ROOT, 7))
    ).replace(b"case.opened", b"log.opened")
    assert not is_recognised(whole, "log.opened", 3)
