"""Tiles: their paths have one spelling, and each becomes full once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.merkle.hashing import tree_root
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import (
    TILE_INDEX_MAX,
    TILE_SIZE,
    TILE_WIDTH,
    EntryBundleId,
    TileId,
    full_tiles_between,
    hashes_of_tile,
    parse_entries_path,
    parse_tile_path,
    partial_tiles,
    split_hashes,
    tile_root,
    tile_roots,
    tile_width,
)
from tests.ledger.merkle.trees import all_tiles, leaf_hashes

HASHES = leaf_hashes(70_000)
PLACES = st.tuples(st.integers(0, 2000) | st.integers(0, TILE_INDEX_MAX), st.integers(1, TILE_WIDTH))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 999, 1), "tile/0/999.p/1"),
        (TileId(1, 1000), "tile/1/x001/000"),
        (TileId(0, 1234067, 112), "tile/0/x001/x234/067.p/112"),
        (TileId(63, 0, 255), "tile/63/000.p/255"),
        (TileId(3, TILE_INDEX_MAX), "tile/3/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_paths_of_the_specification(tile: TileId, path: str) -> None:
    assert tile.path() == path
    assert parse_tile_path(path) == tile
    assert tile.is_full == (tile.width == 256)
    bundle = EntryBundleId(tile.index, tile.width)
    assert bundle.path() == f"tile/entries/{path.split('/', 2)[2]}"
    assert parse_entries_path(bundle.path()) == bundle


@given(st.integers(0, 63), PLACES)
def test_paths_round_trip(level: int, place: tuple[int, int]) -> None:
    assert parse_tile_path(TileId(level, *place).path()) == TileId(level, *place)
    assert parse_entries_path(EntryBundleId(*place).path()) == EntryBundleId(*place)


@pytest.mark.parametrize(
    "rest",
    [
        "", "0", "00", "0000", "x000/067", "x000", "001/000", "x01/000", "x0001/000", "000/", "/000",
        "000.p", "000.p/", "000.p/0",
        "000.p/00", "000.p/01", "000.p/256", "000.p/257", "000.p/1000", "000.p/-1", "000.p/1/",
        "000.p/1.p/1", "-01", "+01", " 000",
        "000 ", "000\n", "٠٠٠", "x001/x000/x000/x000/x000/x000/x000/000",
        "x010/x000/x000/x000/x000/x000/000", "../000", "0x0",
        "x001/../000", "x001//000", "X001/000",
    ],
)  # fmt: skip
def test_other_spellings_of_a_path_are_refused(rest: str) -> None:
    with pytest.raises(MalformedError):
        parse_tile_path(f"tile/0/{rest}")
    with pytest.raises(MalformedError):
        parse_entries_path(f"tile/entries/{rest}")


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile//000",
        "Tile/0/000",
        "/tile/0/000",
        "tile/entries/000",
    ],
)
def test_other_levels_are_refused(path: str) -> None:
    with pytest.raises(MalformedError):
        parse_tile_path(path)


@pytest.mark.parametrize(
    "place", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, TILE_INDEX_MAX + 1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_a_place_that_no_tile_has_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(MalformedError):
        TileId(*place)
    if 0 <= place[0] <= 63:
        with pytest.raises(MalformedError):
            EntryBundleId(*place[1:])


def test_the_specifications_tree_of_70000() -> None:
    full = list(full_tiles_between(0, 70_000))
    assert [sum(tile.level == level for tile in full) for level in range(3)] == [273, 1, 0]
    assert list(partial_tiles(70_000)) == [TileId(0, 273, 112), TileId(1, 1, 17), TileId(2, 0, 1)]
    assert list(partial_tiles(256)) == [TileId(1, 0, 1)]
    assert list(partial_tiles(0)) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_tiles_become_full_exactly_once(first: int, second: int) -> None:
    old, new = min(first, second), max(first, second)
    between = list(full_tiles_between(old, new))
    assert between == sorted(set(between))
    for tile in between:
        assert tile_width(tile.level, tile.index, old) < TILE_WIDTH == tile_width(tile.level, tile.index, new)
    if new < 100_000:
        assert sorted([*full_tiles_between(0, old), *between]) == list(full_tiles_between(0, new))
    for tile in partial_tiles(new):
        assert tile_width(tile.level, tile.index, new) == tile.width < TILE_WIDTH
        assert tile_width(tile.level, tile.index + 1, new) == 0


@pytest.mark.parametrize("size", [0, 1, 31, 33, TILE_SIZE + 32, TILE_SIZE + 1])
def test_bytes_that_are_no_tile_are_refused(size: int) -> None:
    with pytest.raises(MalformedError):
        hashes_of_tile(bytes(size))
    with pytest.raises(MalformedError):
        tile_root(bytes(size))


def test_a_full_tile_has_one_root() -> None:
    data = b"".join(HASHES[:256])
    assert tile_root(data) == tree_root(HASHES[:256])
    assert hashes_of_tile(data) == HASHES[:256]
    with pytest.raises(MalformedError):
        tile_root(data[:-32])


def test_open_tiles_are_the_partial_tiles() -> None:
    tiles = all_tiles(HASHES)
    grown = OpenTiles().append(HASHES)
    for tile in partial_tiles(70_000):
        assert grown.tiles.partial(tile.level) == tiles[tile.level, tile.index]
    assert grown.tiles.partial(3) == b""
    assert [tile for tile, _ in grown.full] == list(full_tiles_between(0, 70_000))
    assert all(data == tiles[tile.level, tile.index] for tile, data in grown.full)
    assert grown.root == tree_root(HASHES)


def test_roots_of_many_tiles_are_the_roots_of_each() -> None:
    data = b"".join(HASHES[:768])
    assert tile_roots(HASHES[:768]) == [tile_root(data[at : at + TILE_SIZE]) for at in range(0, len(data), TILE_SIZE)]
    assert split_hashes(data) == HASHES[:768]
    assert (tile_roots([]), split_hashes(b"")) == ([], [])
