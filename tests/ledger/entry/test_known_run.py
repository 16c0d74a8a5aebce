"""Leaves recognised at once are leaves that would be recognised one by one, as the strict reader takes them."""

from __future__ import annotations

from binascii import hexlify
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import INTEGER_MAX
from ledger.entry.commitment import COUNT_MAX, Commitment
from ledger.entry.kinds import CASE_KINDS
from ledger.entry.known_leaf import leaf_head, recognise, recognise_run
from ledger.entry.leaf import Leaf, format_leaf, format_time, parse_leaf
from ledger.merkle.hashing import hash_leaf

CHAIN = bytes(range(16))
PREV = bytes(range(32))
KIND = "evidence.anchored"

times = st.integers(0, 4_000_000_000_000).map(format_time)
roots = st.binary(min_size=32, max_size=32)


def run_of(values: list[tuple[bytes, str]], seq: int = 200, count: int = 6, kind: str = KIND) -> list[bytes]:
    leaves: list[bytes] = []
    prev = PREV
    for root, time in values:
        leaf = Leaf(CHAIN.hex(), kind, prev, seq + len(leaves), time, Commitment(root, count))
        leaves.append(format_leaf(leaf))
        prev = hash_leaf(leaves[-1])
    return leaves


def is_run(leaves: list[bytes], seq: int = 200, kind: str = KIND, prev: bytes = PREV) -> bool:
    digits = [hexlify(hash_leaf(leaf)) for leaf in leaves]
    return recognise_run(leaves, digits, leaf_head(CHAIN), kind, hexlify(prev), seq)


def check_each(leaves: list[bytes], seq: int, kind: str) -> None:
    prev = PREV
    for at, leaf in enumerate(leaves):
        read = parse_leaf(leaf)
        assert (read.chain, read.kind, read.prev, read.seq) == (CHAIN.hex(), kind, prev, seq + at)
        assert recognise(leaf, leaf_head(CHAIN), kind, hexlify(prev), seq + at)
        prev = hash_leaf(leaf)


LEAVES = run_of([(bytes([at]) * 32, format_time(1_700_000_000_000 + at // 7)) for at in range(40)])


@given(
    st.lists(st.tuples(roots, times), min_size=1, max_size=20), st.integers(1, INTEGER_MAX - 20),
    st.integers(1, COUNT_MAX), st.sampled_from(sorted(CASE_KINDS)),
)  # fmt: skip
def test_a_run_is_recognised(values: list[tuple[bytes, str]], seq: int, count: int, kind: str) -> None:
    leaves = run_of(values, seq, count, kind)
    if len(str(seq)) == len(str(seq + len(leaves) - 1)):
        assert is_run(leaves, seq, kind)
    else:
        assert not is_run(leaves, seq, kind), "it is in two parts"
    check_each(leaves, seq, kind)


@given(st.integers(0, 39), st.data())
def test_what_is_recognised_follows_leaf_by_leaf(which: int, data: st.DataObject) -> None:
    """Some bytes of a leaf changed, taken out or put in, and all after it linked again or not."""
    at = data.draw(st.integers(0, len(LEAVES[which])))
    taken = data.draw(st.integers(0, 3))
    put = data.draw(
        st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b",", b"0", b"f", b"F", b"%", b"%b", b"}"]))
    )
    changed = list(LEAVES)
    changed[which] = LEAVES[which][:at] + put + LEAVES[which][at + taken :]
    if data.draw(st.booleans()):
        for after in range(which + 1, len(changed)):
            changed[after] = format_leaf(replace(parse_leaf(LEAVES[after]), prev=hash_leaf(changed[after - 1])))
    if is_run(changed):
        check_each(changed, 200, KIND)


@given(st.integers(0, 38), st.integers(-3, 3))
def test_a_byte_that_moves_from_one_leaf_to_the_next_is_not_overlooked(which: int, by: int) -> None:
    """One after another they are the same bytes."""
    changed = list(LEAVES)
    both = changed[which] + changed[which + 1]
    middle = len(changed[which]) + by
    changed[which : which + 2] = both[:middle], both[middle:]
    digits = [hexlify(hash_leaf(leaf)) for leaf in LEAVES]  # as if their hashes were still those
    assert recognise_run(changed, digits, leaf_head(CHAIN), KIND, hexlify(PREV), 200) == (by == 0)


@pytest.mark.parametrize("which", [0, 1, 20, 39])
@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b'"count":6', b'"count":7'),
        (b'"root":"', b'"root":"%'),
        (b'"kind":"evidence', b'"kind":"evidencf'),
        (CHAIN.hex().encode(), bytes(16).hex().encode()),
        (b"2023-11-14", b"2023-02-30"),
        (b'"v":1', b'"v":2'),
        (b'"seq":2', b'"seq":3'),
    ],
)
def test_one_leaf_of_another_form_is_none(which: int, part: bytes, other: bytes) -> None:
    changed = list(LEAVES)
    changed[which] = changed[which].replace(part, other)[: len(changed[which])]
    assert changed != LEAVES and is_run(LEAVES) and not is_run(changed)


@pytest.mark.parametrize("which", [0, 20, 39])
def test_a_root_in_capitals_is_none(which: int) -> None:
    changed = list(LEAVES)
    at = changed[which].index(b'"root":"') + len(b'"root":"')
    changed[which] = changed[which][:at] + b"A" + changed[which][at + 1 :]
    linked = run_of_linked(changed, which)
    assert not is_run(linked)


def run_of_linked(leaves: list[bytes], which: int) -> list[bytes]:
    """With each `prev` behind the changed one right again."""
    linked = list(leaves)
    for after in range(which + 1, len(linked)):
        linked[after] = format_leaf(replace(parse_leaf(leaves[after]), prev=hash_leaf(linked[after - 1])))
    return linked


def test_another_place_is_none() -> None:
    assert is_run(LEAVES) and is_run(LEAVES[:1])
    assert not is_run(LEAVES, seq=201) and not is_run(LEAVES, prev=bytes(32)) and not is_run(LEAVES, kind="case.opened")
    assert not is_run([*LEAVES[:7], *LEAVES[8:]]) and not is_run([*LEAVES[:7], LEAVES[8], LEAVES[7], *LEAVES[9:]])
    beyond = run_of([(bytes(32), format_time(0))] * 3, INTEGER_MAX - 2)
    assert is_run(beyond, INTEGER_MAX - 2)
    assert not is_run([leaf.replace(b'"seq":9', b'"seq":A') for leaf in beyond], INTEGER_MAX - 2)
    with pytest.raises(TypeError):
        recognise_run(["a text"] * 2, [b""] * 2, leaf_head(CHAIN), KIND, hexlify(PREV), 1)  # type: ignore[list-item]  # what a database may give
