"""What goes unflushed on SQLite, and that nothing else ever does."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import event

from ledger.errors import ConflictError, UnavailableError
from ledger.store.engine import open_engine
from ledger.store.log_rows import EntryRow
from ledger.store.sql_store import SqlStore
from ledger.store.unflushed import UnflushedWriter

NOTE = b"text\n\nsignatures"


def level(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def test_only_checkpoints_go_unflushed(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    levels: dict[str, set[int]] = {}

    @event.listens_for(engine, "connect")
    def connected(driver: sqlite3.Connection, _record: Any) -> None:
        now = [level(driver)]

        def trace(sql: str) -> None:
            if sql.startswith("PRAGMA synchronous="):
                now.append({"NORMAL": 1, "FULL": 2}[sql.partition("=")[2]])
            levels.setdefault(sql[:22], set()).add(now[-1])

        driver.set_trace_callback(trace)

    SqlStore.create(sqlite_url).close()
    store = SqlStore(engine)
    store.save_checkpoint(0, NOTE)
    with pytest.raises(ConflictError):
        store.save_checkpoint(0, b"other\n\nsignatures")
    with store.writing() as writer:
        head = writer.lock_head()
        writer.append([EntryRow(0, "ab" * 16, 0, "x.y", b"leaf")], [], [], [])
        writer.move_head(head, head)
    store.save_checkpoint(1, NOTE)
    store.close()
    assert levels["INSERT INTO published "] == levels["INSERT INTO checkpoint"] == {1}
    assert levels["INSERT INTO entries (i"] == levels["UPDATE log_head SET si"] == {2}


def test_a_write_that_fails_is_rolled_back_and_holds_up_nobody(sqlite_url: str) -> None:
    store = SqlStore.create(sqlite_url)
    writer = UnflushedWriter(store.engine)
    with writer.begun() as connection:
        assert level(connection) == 1
        connection.commit()
    with pytest.raises(ZeroDivisionError), writer.begun() as connection:
        connection.execute("INSERT INTO checkpoints VALUES (7, x'00')")
        held = connection.execute("SELECT 1")  # whoever logs an error may hold on to a cursor
        raise ZeroDivisionError
    with store.writing() as other:
        other.lock_head()
    assert store.checkpoint(7) is None
    with pytest.raises(sqlite3.ProgrammingError):
        held.fetchone()
    with writer.begun() as again:
        assert again is not connection and level(again) == 1
        again.commit()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        again.execute("SELECT 1")


def test_a_table_that_is_full_of_something_else_is_told(sqlite_url: str) -> None:
    store = SqlStore.create(sqlite_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE published")
    with pytest.raises(UnavailableError, match="keep a checkpoint: the database failed: no such table: published"):
        store.save_checkpoint(0, NOTE)
    store.close()
