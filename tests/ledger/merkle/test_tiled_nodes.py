"""Any node and proof can be read out of tiles; what is remembered of them changes no proof."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError, ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.hashing import hash_children, tree_root
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.node_memory import GROUP_WIDTH, NodeMemory, half_way
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import TILE_SIZE, TileId
from tests.ledger.merkle.trees import all_tiles, leaf_hashes, mth

HASHES = leaf_hashes(70_000)


def test_every_node_is_found_in_its_tile() -> None:
    tiles = all_tiles(HASHES[:66_000])
    row = HASHES[:66_000]
    for level in range(17):
        for index in {0, 1, len(row) // 2, len(row) - 1} & set(range(len(row))):
            nodes = TiledNodes(66_000, lambda tile: tiles[tile.level, tile.index])
            assert nodes.node(level, index) == row[index], (level, index)
        row = [hash_children(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 511, 512, 65_535, 65_536, 65_537, 66_000, 70_000])
def test_proofs_are_built_from_tiles_alone(size: int) -> None:
    tiles = all_tiles(HASHES[:size])
    asked: list[TileId] = []

    def read(tile: TileId) -> bytes:
        asked.append(tile)
        return tiles[tile.level, tile.index]

    nodes = TiledNodes(size, read)
    root = tree_root(HASHES[:size])
    for index in {0, size // 2, size - 1, max(0, size - 256)}:
        check_inclusion(HASHES[index], index, size, prove_inclusion(nodes, index, size), root)
    for old in {1, size // 2 or 1, size - 1 or 1, max(1, size - 256)}:
        check_consistency(old, tree_root(HASHES[:old]), size, root, prove_consistency(nodes, old, size))
    assert all(len(tiles[tile.level, tile.index]) == 32 * tile.width for tile in asked), "asked for another width"


@given(st.integers(1, 1500), st.integers(1, 1500))
def test_a_smaller_tree_is_read_out_of_a_larger_ones_tiles(first: int, second: int) -> None:
    old, new = min(first, second), max(first, second)
    tiles = all_tiles(HASHES[:new])
    nodes = TiledNodes(old, lambda tile: tiles[tile.level, tile.index])
    index = old // 3
    check_inclusion(HASHES[index], index, old, prove_inclusion(nodes, index, old), tree_root(HASHES[:old]))
    for level in range(12):
        with pytest.raises(MalformedError):
            nodes.node(level, old >> level)


@pytest.mark.parametrize("width", [1, 99, 100, 255])
def test_a_tile_too_short_for_its_node_is_refused(width: int) -> None:
    tile = b"".join(HASHES[:width])
    nodes = TiledNodes(256, lambda _: tile)
    assert nodes.node(0, width - 1) == HASHES[width - 1]
    for level, index in ((0, width), (1, width // 2), (7, 1)):
        with pytest.raises(MalformedError):
            nodes.node(level, index)


def test_a_tree_remembers_the_last_of_its_full_tiles_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.merkle.node_memory.EXPANDED_MAX", 3)
    tiles, asked = all_tiles(HASHES[:2_000]), []

    def read(tile: TileId) -> bytes:
        asked.append(tile.index)
        return tiles[tile.level, tile.index]

    nodes = TiledNodes(2_000, read)
    for index in (0, 1, 2, 3, 511, 256, 600, 1_024, 600, 0, 1_999, 1_998):
        assert nodes.node(0, index) == HASHES[index]
    assert asked == [0, 1, 2, 4, 0, 7]


class Remembering:
    """A tree of 2,000 leaves with a memory, and what was read of it."""

    def __init__(self) -> None:
        self.tiles = all_tiles(HASHES[:2_000])
        self.asked: list[TileId] = []
        self.groups: list[int] = []
        self.memory = NodeMemory(self._read_group)
        self.root = tree_root(HASHES[:2_000])

    def nodes(self) -> TiledNodes:
        return TiledNodes(2_000, self._read, self.memory)

    def half(self, index: int) -> bytes:
        return half_way(self.tiles[0, index])

    def prove(self, index: int) -> list[bytes]:
        path = prove_inclusion(self.nodes(), index, 2_000)
        check_inclusion(HASHES[index], index, 2_000, path, self.root)
        return path

    def _read(self, tile: TileId) -> bytes:
        if tile.is_full:
            self.asked.append(tile)
        return self.tiles[tile.level, tile.index]

    def _read_group(self, start: int) -> bytes:
        self.groups.append(start)
        return b"".join(HASHES[start : start + GROUP_WIDTH])


def test_what_stands_half_way_up_a_tile() -> None:
    tile = b"".join(HASHES[:256])
    assert half_way(tile) == b"".join(mth(HASHES[at : at + 16]) for at in range(0, 256, 16))
    for wrong in (b"", tile[:-32], tile + bytes(32)):
        with pytest.raises(MalformedError):
            half_way(wrong)


@pytest.mark.parametrize("index", [0, 255, 256, 1_000, 1_791])
def test_a_tile_of_which_the_middle_is_known_is_not_read(index: int) -> None:
    tree = Remembering()
    expected = prove_inclusion(TiledNodes(2_000, lambda tile: tree.tiles[tile.level, tile.index]), index, 2_000)
    for each in range(7):
        tree.memory.keep_half(each, tree.half(each))
        assert tree.memory.has_half(each)
    assert tree.prove(index) == expected
    assert tree.prove(index ^ 1)  # of the same group
    assert (tree.asked, tree.groups) == ([], [index & -GROUP_WIDTH])


def test_another_group_of_the_same_tile_has_it_expanded_for_all_trees_to_come() -> None:
    tree = Remembering()
    tree.memory.keep_half(3, tree.half(3))
    for index in (800, 801, 1_000, 900, 800):
        tree.prove(index)
    assert (tree.asked.count(TileId(0, 3)), tree.groups) == (1, [800])


@given(st.integers(0, 1_791), st.integers(0, 15), st.integers(0, 31), st.integers(0, 7))
def test_a_node_remembered_falsely_is_seen_before_the_proof_leaves(at: int, node: int, byte: int, bit: int) -> None:
    tree = Remembering()
    half = bytearray(tree.half(at // 256))
    half[node * 32 + byte] ^= 1 << bit
    tree.memory.keep_half(at // 256, bytes(half))
    if node == at % 256 // 16:  # it stands over the leaf itself, and is no part of the path
        tree.prove(at)
        return
    with pytest.raises(ProofError):
        tree.prove(at)
    tree.memory.forget()
    tree.prove(at)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.merkle.node_memory.HALVES_MAX", 4)
    monkeypatch.setattr("ledger.merkle.node_memory.GROUPS_MAX", 2)
    tree = Remembering()
    for each in range(7):
        tree.memory.keep_half(each, tree.half(each))
    assert [tree.memory.has_half(each) for each in range(7)] == [False, False, False, True, True, True, True]
    draw = random.Random(1)
    for _ in range(100):
        tree.prove(draw.randrange(2_000))
    assert (len(tree.memory._halves), len(tree.memory._groups)) == (4, 2)


def test_a_tile_that_is_not_full_is_not_remembered() -> None:
    tree = Remembering()
    tree.memory.keep(0, 7, (tree.tiles[0, 7],) * 8)
    assert tree.memory.expanded(0, 7) is None
    assert not tree.memory.has_half(7)
    assert len(tree.tiles[0, 7]) < TILE_SIZE


@given(st.integers(1, 1_500), st.data())
def test_ends_that_are_remembered_change_no_path(size: int, data: st.DataObject) -> None:
    ends: dict[int, bytes] = {}
    nodes = TiledNodes(size, lambda tile: b"".join(HASHES[tile.index * 256 :][: tile.width]))
    if size >= 256:
        tiles = all_tiles(HASHES[:size])
        nodes = TiledNodes(size, lambda tile: tiles[tile.level, tile.index])
    for index in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)):
        assert prove_inclusion(nodes, index, size, ends) == prove_inclusion(nodes, index, size)
    assert len(ends) <= size.bit_length()
