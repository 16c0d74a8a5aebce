"""The rows that an entry leaves in the database, read back from a log, to be inserted again by bare means."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import psycopg

Row: TypeAlias = Sequence[Any]
Rows: TypeAlias = Mapping[str, Sequence[Row]]
"""By table."""

COLUMNS: Final = {
    "entries": ("idx", "seq", "chain", "kind", "leaf"),
    "openings": ("idx", "secret", "fields"),
    "evidence": ("idx", "size", "stored", "mark", "account", "sha256"),
}
"""The tables that grow with each entry. What a batch writes once (head, chain, tiles, checkpoint) bare rows lack."""

_POSTGRES_TYPES: Final = {
    "entries": ("int8", "int8", "bytea", "varchar", "bytea"),
    "openings": ("int8", "bytea", "bytea"),
    "evidence": ("int8", "int8", "bool", "bytea", "varchar", "bytea"),
}


class BareDatabase(Protocol):
    """A database with the ledger's own tables and durability, and nothing of the ledger."""

    def read(self, start: int, end: int) -> Rows:
        """The rows of the entries [start, end)."""
        ...

    def insert(self, rows: Rows) -> None:
        """Insert the rows of one batch in one durable transaction."""
        ...


class BareSqlite:
    """The standard library's sqlite3, set as ledger.store.engine sets it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")

    def read(self, start: int, end: int) -> Rows:
        return {table: self._connection.execute(_select(table, "?"), (start, end)).fetchall() for table in COLUMNS}

    def insert(self, rows: Rows) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for table, group in rows.items():
            self._connection.executemany(_insert(table, "?"), group)
        self._connection.execute("COMMIT")

    def make_one_table(self) -> None:
        """A table of two columns, without any index but its key."""
        self._connection.execute("CREATE TABLE one (idx INTEGER PRIMARY KEY, data BLOB NOT NULL)")

    def insert_into_one(self, rows: Sequence[Row]) -> None:
        """Insert a batch of (index, bytes) in one durable transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO one VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class BarePostgres:
    """psycopg, in a transaction a batch. `copies`: binary COPY instead of executemany."""

    def __init__(self, dsn: str, *, copies: bool) -> None:
        self._connection = psycopg.connect(dsn)
        self._insert = self._copy if copies else self._execute_many

    def read(self, start: int, end: int) -> Rows:
        with self._connection.transaction():
            return {table: self._connection.execute(_select(table, "%s"), (start, end)).fetchall() for table in COLUMNS}

    def insert(self, rows: Rows) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for table, group in rows.items():
                self._insert(cursor, table, group)

    def close(self) -> None:
        self._connection.close()

    @staticmethod
    def _execute_many(cursor: psycopg.Cursor[Any], table: str, rows: Sequence[Row]) -> None:
        cursor.executemany(_insert(table, "%s"), rows)

    @staticmethod
    def _copy(cursor: psycopg.Cursor[Any], table: str, rows: Sequence[Row]) -> None:
        with cursor.copy(f"COPY {table} ({', '.join(COLUMNS[table])}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_POSTGRES_TYPES[table])
            for row in rows:
                copy.write_row(row)


def join_bytes(rows: Rows) -> list[Row]:
    """The same bytes as rows of one table: index, and all other columns of the entry one after another."""
    tables = [{row[0]: row[1:] for row in group} for group in rows.values()]
    return [(index, b"".join(_bytes(value) for table in tables for value in table[index])) for index in tables[0]]


def _bytes(value: Any) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(8, "big")
    return value.encode() if isinstance(value, str) else bytes(value)


# The names in these statements are the constants above, and placeholders.
def _select(table: str, mark: str) -> str:
    return f"SELECT {', '.join(COLUMNS[table])} FROM {table} WHERE idx >= {mark} AND idx < {mark}"  # noqa: S608


def _insert(table: str, mark: str) -> str:
    columns = COLUMNS[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"  # noqa: S608
