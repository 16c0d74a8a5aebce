"""Reads of a row or two that stand in the way of every request: whose token it is, whether its bearer is a member.

Of a read by its key, the database's own work is a fifth; the rest is taking a connection out of the pool and beginning
and ending a transaction. SQLite's driver is therefore asked directly, on connections that are kept for nothing else.
Each read stands alone and sees what was committed before it: nothing is remembered from one to the next.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from typing import Any, Final

from sqlalchemy import Engine, event

from ledger.store.engine import database_errors, is_sqlite
from ledger.store.row_insert import run

_KEPT_MAX: Final = 64
"""Connections kept; as many as the server's threads ever use at once, and a file number each."""


class ShortReads:
    """Single statements over an engine's database; many threads may ask. Disposing of the engine closes what is kept,
    and a read after that opens it anew.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: deque[sqlite3.Connection] | None = deque() if is_sqlite(engine) else None
        if self._free is not None:
            event.listen(engine, "engine_disposed", self._close)

    def rows(self, act: str, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of a SELECT with `?` for each value. Raises UnavailableError, naming the act."""
        with database_errors(act):
            if self._free is not None:
                return self._ask_sqlite(self._free, statement, values)
            with self._engine.connect() as connection:
                return [tuple(row) for row in run(connection, statement, values).fetchall()]

    def _ask_sqlite(
        self, free: deque[sqlite3.Connection], statement: str, values: tuple[Any, ...]
    ) -> list[tuple[Any, ...]]:
        try:
            connection = free.pop()
        except IndexError:
            connection = self._open()
        try:
            # To the last row: a statement that is not finished would hold on to old pages of the database.
            found = connection.execute(statement, values).fetchall()
        except BaseException:
            connection.close()
            raise
        if len(free) < _KEPT_MAX:
            free.append(connection)
        else:
            connection.close()
        return found

    def _open(self) -> sqlite3.Connection:
        """As the engine opens its own, so with its settings; and one that cannot write."""
        pooled = self._engine.raw_connection()
        pooled.detach()
        connection = pooled.dbapi_connection
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"read the database: expected SQLite's driver, got {type(connection).__name__}")
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _close(self, _engine: Engine) -> None:
        while self._free:
            self._free.pop().close()
