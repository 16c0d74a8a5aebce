"""Proofs out of a store: what is remembered spares reads, is never believed, and hides no damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.errors import CorruptError, UnavailableError
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion
from ledger.merkle.node_memory import half_way
from ledger.merkle.tiles import TileId
from ledger.note.proof_file import parse_proof
from ledger.prove.proof_builder import ProofBuilder
from ledger.store.sql_store import SqlStore
from ledger.store.stored_tiles import StoredTiles
from tests.ledger.making import ALICE, Attacker, make_log, opened, statement
from tests.ledger.merkle.trees import all_tiles, leaf_hashes

ENTRIES = 600
DRAWN = (0, 1, 15, 16, 255, 256, 300, 511, 512, 599)


class CountedStore(SqlStore):
    """Counts what is read of the tree."""

    tiles_read = 0
    groups_read = 0

    def tile(self, level: int, index: int) -> bytes | None:
        self.tiles_read += 1
        return super().tile(level, index)

    def leaves(self, start: int, end: int) -> list[bytes]:
        self.groups_read += end - start == 16
        return super().leaves(start, end)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    settings = make_log(tmp_path / "log", database_url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "t").case
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(ENTRIES)], None)
    return settings


@pytest.fixture
def store(settings: Settings) -> Iterator[CountedStore]:
    with closing(CountedStore.open(settings.database)) as store:
        yield store


def builder_of(store: SqlStore) -> ProofBuilder:
    return ProofBuilder(store, StoredTiles(store))


def prove(builder: ProofBuilder, store: SqlStore, index: int) -> bytes:
    head = builder.head_covering(index)
    (leaf,) = store.leaves(index, index + 1)
    proof = builder.proof_file(index, leaf, head)
    path = parse_proof(proof).path
    check_inclusion(hash_leaf(leaf), index, head.checkpoint.size, path, head.checkpoint.root)
    return proof


def test_what_was_read_ahead_changes_no_proof_and_spares_the_tiles(store: CountedStore) -> None:
    fresh, ahead = builder_of(store), builder_of(store)
    expected = [prove(fresh, store, index) for index in DRAWN]
    assert ahead.remember(1)
    assert not ahead.remember(1)
    assert not ahead.remember(1)
    prove(ahead, store, ENTRIES - 1)  # the open tiles are made of what stands below them, once a head
    store.tiles_read = store.groups_read = 0
    assert prove(ahead, store, 300) == expected[DRAWN.index(300)]
    assert (store.tiles_read, store.groups_read) == (0, 1)
    assert [prove(ahead, store, index) for index in DRAWN] == expected


def test_a_proof_reads_a_full_tile_once_for_all_heads(store: CountedStore, settings: Settings) -> None:
    builder = builder_of(store)
    prove(builder, store, 300)
    with opened(settings) as ledger:
        ledger.open_case(ALICE, "another head")
    read: list[TileId] = []
    before = builder._tiles.read
    builder._tiles.read = lambda tile: (read.append(tile), before(tile))[1]  # type: ignore[method-assign]
    prove(builder, store, 300)
    assert [tile for tile in read if tile.is_full] == []


def test_what_is_remembered_falsely_is_forgotten_and_the_proof_is_right(store: CountedStore) -> None:
    builder = builder_of(store)
    builder.remember(10)
    expected = prove(builder_of(store), store, 300)
    builder._memory.keep_half(1, bytes(512))
    assert prove(builder, store, 300) == expected
    assert not builder._memory.has_half(1)
    assert prove(builder, store, 300) == expected
    builder.remember(10)
    assert builder._memory.has_half(1), "it is read anew"


@pytest.mark.parametrize("ahead", [False, True])
def test_damage_in_the_store_is_found_whatever_is_remembered(settings: Settings, ahead: bool) -> None:
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        tile = attacker.value("SELECT hashes FROM tiles WHERE level = 0 AND idx = 1")
        attacker.execute("UPDATE tiles SET hashes = :t WHERE level = 0 AND idx = 1", {"t": bytes(8192)})
    with closing(CountedStore.open(settings.database)) as store:
        builder = builder_of(store)
        if ahead:
            builder.remember(10)
        with pytest.raises(CorruptError):
            prove(builder, store, 300)
        with Attacker(settings.database) as attacker:
            attacker.execute("UPDATE tiles SET hashes = :t WHERE level = 0 AND idx = 1", {"t": tile})
        prove(builder_of(store), store, 300)


def test_a_leaf_changed_beside_the_entry_fails_no_proof_that_the_tiles_can_give(settings: Settings) -> None:
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        attacker.execute("UPDATE entries SET leaf = :leaf WHERE idx = 301", {"leaf": b"{}"})
    with closing(CountedStore.open(settings.database)) as store:
        builder = builder_of(store)
        builder.remember(10)
        prove(builder, store, 300)
        with pytest.raises(CorruptError):
            prove(builder, store, 301)


def test_reading_ahead_passes_over_what_is_damaged_and_says_when_nobody_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        attacker.execute("UPDATE tiles SET hashes = :t WHERE level = 0 AND idx = 0", {"t": b"short"})
    with closing(CountedStore.open(settings.database)) as store:
        builder = builder_of(store)
        assert not builder.remember(10)
        assert [builder._memory.has_half(index) for index in range(2)] == [False, True]

        def fail(*_: object) -> bytes:
            raise UnavailableError("read a tile: the database failed")

        monkeypatch.setattr(store, "tile", fail)
        with pytest.raises(UnavailableError):
            builder_of(store).remember(10)


@dataclass
class LargeLog:
    """Of a store, what reading ahead asks for."""

    hashes: list[bytes]
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tiles = all_tiles(self.hashes)

    def published(self) -> tuple[int, bytes]:
        return len(self.hashes), b""

    def tile(self, level: int, index: int) -> bytes | None:
        self.asked.append((level, index))
        return self._tiles[level, index]


def test_of_a_large_log_the_newest_tiles_are_read_ahead_and_full_ones_above(monkeypatch: pytest.MonkeyPatch) -> None:
    log = LargeLog(leaf_hashes(66_000))
    builder = builder_of(log)  # type: ignore[arg-type]
    while builder.remember(100):
        pass
    assert [at for at in log.asked if at[0]] == [(1, 0)]
    assert builder._memory.expanded(1, 0) is not None
    assert builder._memory.expanded(1, 0)[0] == log._tiles[1, 0]  # type: ignore[index]
    monkeypatch.setattr("ledger.prove.proof_builder.HALVES_MAX", 10)
    small = builder_of(log)  # type: ignore[arg-type]
    log.asked.clear()
    assert not small.remember(100)
    assert [index for level, index in log.asked if not level] == list(range(247, 257))
    assert small._memory.has_half(256)
    assert half_way(log._tiles[0, 256]) == builder._memory._half(256)
