"""The frontier: whatever the batches, the same right edge and root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import EMPTY_ROOT, tree_root
from tests.ledger.merkle.trees import ListNodes, leaf_hashes

HASHES = leaf_hashes(700)
BATCHES = st.lists(st.integers(0, 90) | st.sampled_from([1, 2, 128, 255, 256, 257]), max_size=7).filter(
    lambda sizes: sum(sizes) <= len(HASHES)
)


def test_the_empty_frontier() -> None:
    assert Frontier().root() == EMPTY_ROOT
    assert Frontier().append_all([]) == Frontier()
    assert Frontier().grow([]) == (Frontier(), [])
    assert Frontier.from_bytes(0, b"") == Frontier()


@given(BATCHES)
def test_any_batches_give_the_tree_of_all_leaves(sizes: list[int]) -> None:
    frontier = Frontier()
    nodes = ListNodes(HASHES)
    for size in sizes:
        before = frontier
        frontier, rows = before.grow(HASHES[before.size : before.size + size])
        assert frontier == before.append_all(HASHES[before.size : before.size + size])
        assert frontier.root() == tree_root(HASHES[: frontier.size])
        for level, row in enumerate(rows):
            first = before.size >> level
            assert row == [nodes.node(level, first + at) for at in range(len(row))]
            assert first + len(row) == frontier.size >> level
        assert frontier.size >> len(rows) == before.size >> len(rows), "a level with new nodes was left out"
        assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier
    assert frontier.size == sum(sizes)


@given(st.integers(1, 700), st.data())
def test_a_flipped_bit_of_the_frontier_changes_the_root(size: int, data: st.DataObject) -> None:
    good = Frontier().append_all(HASHES[:size])
    raw = bytearray(good.to_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert Frontier.from_bytes(size, bytes(raw)).root() != good.root()


def test_appending_leaves_the_old_value_alone() -> None:
    old = Frontier().append_all(HASHES[:13])
    kept = (old.size, old.hashes)
    old.append_all(HASHES[13:40])
    assert (old.size, old.hashes) == kept
    assert len(old.hashes) == 3


@pytest.mark.parametrize(
    ("size", "data"),
    [(-1, b""), (0, bytes(32)), (1, b""), (1, bytes(31)), (1, bytes(33)), (3, bytes(32)), (4, bytes(64))],
)
def test_bytes_that_do_not_fit_the_size_are_refused(size: int, data: bytes) -> None:
    with pytest.raises(MalformedError):
        Frontier.from_bytes(size, data)


@pytest.mark.parametrize(
    ("size", "hashes"), [(-1, ()), (1, ()), (3, (bytes(32),)), (1, (bytes(31),)), (0, (bytes(32),))]
)
def test_hashes_that_do_not_fit_the_size_are_refused(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedError):
        Frontier(size, hashes)


@given(st.integers(0, 700))
def test_it_gives_its_own_nodes_and_no_other(size: int) -> None:
    frontier, nodes = Frontier().append_all(HASHES[:size]), ListNodes(HASHES[:size])
    for level in range(11):
        index = (size >> level) - 1
        if size >> level & 1:
            assert frontier.node(level, index) == nodes.node(level, index)
            others = [index - 1, index + 1]
        else:
            others = [index, index + 1]
        for other in others:
            with pytest.raises(MalformedError, match="does not hold it"):
                frontier.node(level, other)
