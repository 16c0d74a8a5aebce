"""Neighbours' inclusion proofs made together are those made one by one, and nothing that is not in the tree has one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofError
from ledger.merkle.hashing import tree_root
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.stretch import Stretch
from tests.ledger.merkle.trees import ListNodes, leaf_hashes

HASHES = leaf_hashes(600)
ROOTS = {size: tree_root(HASHES[:size]) for size in range(1, len(HASHES) + 1)}


def stretch(first: int, end: int, size: int) -> Stretch:
    return Stretch(ListNodes(HASHES[:size]), first, HASHES[first:end], size, ROOTS[size])


def test_every_path_of_every_stretch_of_small_trees() -> None:
    for size in range(1, 18):
        expected = [prove_inclusion(ListNodes(HASHES[:size]), index, size) for index in range(size)]
        for first in range(size):
            for end in range(first + 1, size + 1):
                made = stretch(first, end, size)
                assert [made.path(index) for index in range(first, end)] == expected[first:end], (first, end, size)


@given(st.data())
def test_paths_are_those_made_one_by_one(data: st.DataObject) -> None:
    near_tiles = st.sampled_from([255, 256, 257, 511, 512, 513])
    size = data.draw(near_tiles | st.integers(1, len(HASHES)))
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    index = data.draw(st.integers(first, end - 1))
    path = stretch(first, end, size).path(index)
    assert path == prove_inclusion(ListNodes(HASHES[:size]), index, size)
    check_inclusion(HASHES[index], index, size, path, ROOTS[size])


@given(st.data())
def test_another_leaf_place_order_size_or_root_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 80))
    first = data.draw(st.integers(0, size - 2))
    end = data.draw(st.integers(first + 2, size))
    nodes, hashes, root = ListNodes(HASHES[:size]), HASHES[first:end], ROOTS[size]
    at = data.draw(st.integers(0, len(hashes) - 1))
    flipped = [*hashes[:at], bytes([hashes[at][0] ^ 1]) + hashes[at][1:], *hashes[at + 1 :]]
    wrong = [(first, flipped, size, root), (first, hashes[::-1], size, root), (first, hashes, size, bytes(32))]
    if first:
        wrong.append((first - 1, hashes, size, root))
    for each in wrong:
        with pytest.raises(ProofError, match="prove a stretch"):
            Stretch(nodes, *each)


@pytest.mark.parametrize(("first", "end", "size"), [(0, 0, 5), (3, 3, 5), (-1, 2, 5), (4, 6, 5), (5, 6, 5)])
def test_a_stretch_lies_within_the_tree(first: int, end: int, size: int) -> None:
    with pytest.raises(ProofError, match="within the size 5"):
        Stretch(ListNodes(HASHES[:size]), first, HASHES[:1] * (end - first), size, ROOTS[size])


def test_a_node_that_the_reader_forges_is_found() -> None:
    class Forging(ListNodes):
        def node(self, level: int, index: int) -> bytes:
            return bytes(32) if (level, index) == (1, 0) else super().node(level, index)

    with pytest.raises(ProofError):
        Stretch(Forging(HASHES[:9]), 2, HASHES[2:5], 9, ROOTS[9])
