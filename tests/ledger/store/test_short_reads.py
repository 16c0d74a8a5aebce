"""Reads on connections of their own: what they see, what they may not do, what is left of them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, text

from ledger.errors import UnavailableError
from ledger.store.engine import open_engine, sqlite_file
from ledger.store.short_reads import ShortReads

NAMES = "SELECT name FROM things WHERE id = ?"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))"))
    yield engine
    engine.dispose()


def put(engine: Engine, index: int, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO things VALUES (:i, :n)"), {"i": index, "n": name})


def test_each_read_sees_what_was_committed_before_it(engine: Engine) -> None:
    reads = ShortReads(engine)
    for index in range(3):
        assert reads.rows("look", NAMES, (index,)) == []
        put(engine, index, f"n{index}")
        assert reads.rows("look", NAMES, (index,)) == [(f"n{index}",)]


def test_many_threads_may_ask_at_once(engine: Engine) -> None:
    put(engine, 1, "one")
    reads, found = ShortReads(engine), []

    def ask() -> None:
        found.extend(reads.rows("look", NAMES, (1,))[0][0] for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["one"] * 400


def test_a_failed_read_names_the_act_and_the_next_one_succeeds(engine: Engine) -> None:
    put(engine, 1, "one")
    reads = ShortReads(engine)
    with pytest.raises(UnavailableError, match=r"^look for what is not there: the database failed: "):
        reads.rows("look for what is not there", "SELECT nothing FROM nowhere", ())
    assert reads.rows("look", NAMES, (1,)) == [("one",)]


def test_on_sqlite_nothing_can_be_written_through_them(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))"))
    reads = ShortReads(engine)
    with pytest.raises(UnavailableError, match="readonly"):
        reads.rows("look", "INSERT INTO things VALUES (?, 'x') RETURNING name", (1,))
    assert reads.rows("look", NAMES, (1,)) == []
    engine.dispose()


def test_disposing_of_the_engine_closes_them_and_a_read_opens_them_anew(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))"))
    reads = ShortReads(engine)
    reads.rows("look", NAMES, (1,))
    engine.dispose()
    file = cast(Path, sqlite_file(engine))
    # The last connection to close moves the write-ahead log into the file and removes it.
    assert not file.with_name(file.name + "-wal").exists()
    assert reads.rows("look", NAMES, (1,)) == []
    engine.dispose()


def test_a_read_holds_on_to_no_old_page(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))"))
    put(engine, 1, "one")
    ShortReads(engine).rows("look", NAMES, (1,))
    put(engine, 2, "two")
    other = sqlite3.connect(cast(Path, sqlite_file(engine)))
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    other.close()
    engine.dispose()
