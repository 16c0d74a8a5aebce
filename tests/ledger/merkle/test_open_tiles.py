"""The right edge between batches: any batches give the same tiles, root and frontier; a lost batch leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import EMPTY_ROOT, tree_root
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TILE_WIDTH, TileId, full_tiles_between, hashes_of_tile, tile_root
from tests.ledger.merkle.trees import leaf_hashes

HASHES = leaf_hashes(70_000)


def test_nothing_appended_changes_nothing() -> None:
    grown = OpenTiles().append([])
    assert (grown.tiles, grown.full, grown.root) == (OpenTiles(), (), EMPTY_ROOT)
    assert OpenTiles.load(0, lambda tile: b"") == OpenTiles()


@settings(max_examples=60)
@given(st.lists(st.integers(0, 700) | st.sampled_from([1, 255, 256, 257, 512]), max_size=8))
def test_any_batches_give_the_same_tiles(sizes: list[int]) -> None:
    edge = OpenTiles()
    stored: dict[TileId, bytes] = {}
    for size in sizes:
        grown = edge.append(HASHES[edge.size : edge.size + size])
        assert [tile for tile, _ in grown.full] == list(full_tiles_between(edge.size, edge.size + size))
        stored |= dict(grown.full)
        edge = grown.tiles
        assert grown.root == edge.frontier.root() == tree_root(HASHES[: edge.size])
        assert grown.frontier == Frontier().append_all(HASHES[: edge.size])
        # What a restart does: the same edge, out of what is stored and the leaves after the last full tile.
        assert OpenTiles.load(edge.size, partial(partial_out_of, stored, edge.size)) == edge
    assert edge == OpenTiles().append(HASHES[: sum(sizes)]).tiles


def partial_out_of(stored: dict[TileId, bytes], size: int, tile: TileId) -> bytes:
    """A partial tile's bytes: leaf hashes at level 0, above it the roots of the full tiles below."""
    first = tile.index * TILE_WIDTH
    if tile.level == 0:
        return b"".join(HASHES[first:size])
    return b"".join(tile_root(stored[TileId(tile.level - 1, first + at)]) for at in range(tile.width))


def test_three_levels_at_once_and_one_by_one_at_the_border() -> None:
    before = OpenTiles().append(HASHES[:65_535])
    assert len(before.full) == 255
    at = before.tiles.append(HASHES[65_535:65_536])
    assert [tile for tile, _ in at.full] == [TileId(0, 255), TileId(1, 0)]
    assert at.tiles.levels == (b"", b"", tree_root(HASHES[:65_536]))
    assert hashes_of_tile(at.full[1][1])[255] == tile_root(at.full[0][1])
    after = at.tiles.append(HASHES[65_536:65_537])
    assert after.full == ()
    assert after.root == tree_root(HASHES[:65_537])


def test_a_batch_that_was_lost_leaves_no_trace() -> None:
    edge = OpenTiles().append(HASHES[:300]).tiles
    lost = edge.append(leaf_hashes(400, "lost"))
    kept = edge.append(HASHES[300:700])
    assert kept.root == tree_root(HASHES[:700]) != lost.root
    assert kept.tiles == OpenTiles().append(HASHES[:700]).tiles


def test_a_stored_hash_that_changed_shows_in_the_root() -> None:
    edge = OpenTiles().append(HASHES[:600]).tiles
    for level, data in enumerate(edge.levels):
        for at in (0, len(data) - 1):
            bad = bytearray(data)
            bad[at] ^= 1
            levels = [*edge.levels[:level], bytes(bad), *edge.levels[level + 1 :]]
            loaded = OpenTiles.load(600, partial(open_tile, levels))
            assert loaded.frontier.root() != edge.frontier.root()


def open_tile(levels: Sequence[bytes], tile: TileId) -> bytes:
    return levels[tile.level]


def test_open_tiles_of_another_width_are_refused() -> None:
    edge = OpenTiles().append(HASHES[:600]).tiles
    for levels in (
        edge.levels[:1],
        (),
        (edge.levels[0][:-32], edge.levels[1]),
        (edge.levels[0] + bytes(32), edge.levels[1]),
        (edge.levels[0][:-1], edge.levels[1]),
        (edge.levels[0], b""),
        (*edge.levels, bytes(32)),
    ):
        with pytest.raises(MalformedError):
            OpenTiles(edge.frontier, levels)
    for changed in (b"", edge.levels[0][:-32], edge.levels[0] + bytes(32)):
        with pytest.raises(MalformedError):
            OpenTiles.load(600, partial(open_tile, [changed, edge.levels[1]]))
