"""A whole database, copied as it stood at one moment, into a SQLite file; and from such a file into another database.

The copy is SQLite whatever was copied: it needs no server to be checked, nor PostgreSQL's own programs to be made, and
it goes back into either kind. So a log also moves from one to the other.

A copy is consistent without holding anybody up. SQLite's backup reads the pages of one read transaction, in one step:
writers append to the write-ahead log meanwhile. On PostgreSQL all tables are read in one REPEATABLE READ transaction.
Both see committed transactions only, and all of each. Memory is bounded: a page, or READ_ROWS rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, MetaData, Table, delete, select

from ledger.errors import ConfigError, UnavailableError
from ledger.store.engine import SQLITE_BUSY_MS, WRITER, database_errors, open_engine, sqlite_file
from ledger.store.row_insert import insert_rows
from ledger.store.sql_store import SqlStore

READ_ROWS: Final = 500
"""Rows in memory at a time: a leaf has at most 64 KiB, an opening some more, and most of both under one."""

MakeTables = Callable[[str], None]
"""Makes the tables that stand beside the log's, those of accounts, in the database at an address."""


def copy_database(url: str, file: Path, make_tables: MakeTables) -> None:
    """Copy the database at `url` into a new SQLite file. The caller makes it durable.

    Raises ConfigError where there is no log, or a table that this program does not know and would leave out;
    UnavailableError where the database fails or the disk is full.
    """
    source = SqlStore.open(url)
    try:
        if source.sqlite_file is not None:
            _copy_pages(source.sqlite_file, file)
        else:
            target = f"sqlite:///{file}"
            SqlStore.create(target).close()
            make_tables(target)
            _copy_rows(source.engine, target)
    finally:
        source.close()
    settle(file)


def load_database(file: Path, url: str, make_tables: MakeTables) -> None:
    """Put a copy into the database at `url`, which has no log, in one transaction: all of it, or nothing.

    Its tables are of this release. Raises ConfigError where they are not, or where the database has a log already.
    """
    copy = SqlStore.open(f"sqlite:///{file}")
    try:
        target = SqlStore.create(url)
        try:
            if target.has_entries():
                raise ConfigError("restore the database: it has a log already; expected an empty database")
        finally:
            target.close()
        make_tables(url)
        _copy_rows(copy.engine, url)
    finally:
        copy.close()


def settle(file: Path) -> None:
    """Make a SQLite file whole by itself, without a log beside it. The caller makes it durable."""
    with _sqlite_errors("finish the copy of the database", file), closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _copy_pages(source: Path, target: Path) -> None:
    with (
        _sqlite_errors("copy the database", source),
        closing(sqlite3.connect(source, timeout=SQLITE_BUSY_MS / 1000)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        # In one step: between two, a write of the server would make SQLite begin anew, and never end under load.
        reading.backup(writing, pages=-1)


def _copy_rows(source: Engine, url: str) -> None:
    target = open_engine(url)
    try:
        with database_errors("copy the database"), source.connect() as bare, target.connect() as put:
            reading = bare.execution_options(**_snapshot(source))
            writing = put.execution_options(**WRITER)
            with reading.begin(), writing.begin():
                _copy_tables(reading, writing)
    finally:
        target.dispose()


def _copy_tables(reading: Connection, writing: Connection) -> None:
    found, wanted = _tables(reading), _tables(writing)
    unknown = found.keys() - wanted.keys()
    if unknown:
        names = ", ".join(sorted(unknown))
        raise ConfigError(f"copy the database: it has tables that this program does not know: {names}")
    for name, table in wanted.items():
        if name in found:  # a log whose accounts nobody has made yet has no tables of them
            writing.execute(delete(table))  # what making the tables put in: the empty head, the version
            for rows in _pages(reading, found[name], table):
                insert_rows(writing, table, rows)


def _snapshot(engine: Engine) -> dict[str, object]:
    if sqlite_file(engine) is not None:
        return {}  # every read transaction is one
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _tables(connection: Connection) -> dict[str, Table]:
    """All tables, in an order in which what they refer to stands before them."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {table.name: table for table in metadata.sorted_tables}


def _pages(connection: Connection, source: Table, target: Table) -> Iterator[list[tuple[object, ...]]]:
    columns = [source.c[column.name] for column in target.columns]
    statement = select(*columns).order_by(*source.primary_key.columns)
    options = {"stream_results": True, "yield_per": READ_ROWS}
    for page in connection.execution_options(**options).execute(statement).partitions():
        yield [tuple(row) for row in page]


@contextmanager
def _sqlite_errors(act: str, file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise UnavailableError(f"{act}: {error}", str(file), retry_after=60) from error
