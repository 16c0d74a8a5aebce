"""Commits to SQLite that do not wait for the disk: for what the next start makes again, and for nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from sqlalchemy import Engine, event


class UnflushedWriter:
    """A connection of its own, so that no commit of anybody else's can go unflushed with it. A failing machine may take
    its last commits away, whole and in order. Many threads may write; disposing of the engine closes the connection,
    and a write after that opens it anew.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        event.listen(engine, "engine_disposed", self._dispose)

    @contextmanager
    def begun(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock; whoever asks for it commits it before the end of the block. It is
        rolled back otherwise. Raises sqlite3.Error; then no idle connection of the engine is left open.
        """
        try:
            with self._lock:
                connection = self._connection = self._connection or self._open()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                except BaseException:
                    # Its commit may have failed. Were it thrown away like that while somebody holds a cursor (an error
                    # in a log does), SQLite would keep it open, and its write lock: nobody could write any more.
                    with suppress(sqlite3.Error):
                        connection.rollback()
                    self._close()
                    raise
        except sqlite3.Error:
            self._engine.dispose()  # see ledger.store.sql_writer.writing
            raise

    def _open(self) -> sqlite3.Connection:
        """As the engine opens its own, but for the flush."""
        pooled = self._engine.raw_connection()
        pooled.detach()
        connection: Any = pooled.dbapi_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"write to the database: expected SQLite's driver, got {type(connection).__name__}")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _dispose(self, _engine: Engine) -> None:
        with self._lock:
            self._close()
