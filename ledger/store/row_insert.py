"""The writer's statements as plain SQL, with `?` for a value. Compiling a statement and unpacking a dictionary for each
row costs more than the database itself, in bulk and one by one; so rows come as tuples, in the order of the table's
columns, and SQLite's driver is asked directly.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, islice
from typing import Any, Final, cast

import psycopg
from sqlalchemy import BigInteger, Boolean, Connection, Engine, LargeBinary, SmallInteger, String, Table

COPY_ROWS: Final = 16
"""From so many rows on, PostgreSQL takes them by binary COPY: one statement, no text to parse. Below, a prepared INSERT
for each row is sooner done.
"""

TOGETHER_ROWS: Final = 50
"""Rows of one INSERT on SQLite, where there are so many: a third less work than one by one, and fewer turns. The driver
lets other threads go on at each statement, and a busy one keeps the writer waiting for milliseconds.
"""

MOST_ROWS: Final = 200
"""Rows of one INSERT as long as there are so many. Their values are far fewer than the 32,766 that a statement may
have.
"""

_COPY_TYPES: Final = ((SmallInteger, "int2"), (BigInteger, "int8"), (LargeBinary, "bytea"), (Boolean, "bool"))


def is_sqlite(connection: Connection | Engine) -> bool:
    return connection.dialect.name == "sqlite"


def run(connection: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    """Execute one statement within the connection's transaction. What comes has `fetchone`, `fetchall`, `rowcount`."""
    if is_sqlite(connection):
        return _sqlite(connection).execute(statement, values)
    return connection.exec_driver_sql(statement.replace("?", "%s"), values)


def run_for_each(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute one statement for each of one or more rows of values."""
    if is_sqlite(connection):
        _sqlite(connection).executemany(statement, rows)
    else:
        connection.exec_driver_sql(statement.replace("?", "%s"), rows[0] if len(rows) == 1 else list(rows))


def insert_rows(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows, each a value for every column, in the order of the table's columns. Rows that are made on the way
    never exist all at once.
    """
    others = iter(rows)
    some = list(islice(others, MOST_ROWS))
    if is_sqlite(connection):
        while some:
            _insert_together(_sqlite(connection), table, some)
            some = list(islice(others, MOST_ROWS))
    elif len(some) >= COPY_ROWS:
        _copy(connection, table, chain(some, others))
    elif some:
        run_for_each(connection, _insert_statement(table), some)


# The names in these statements are the schema's, and placeholders.
@cache
def _insert_statement(table: Table, rows: int = 1) -> str:
    values = f"({', '.join('?' * len(table.columns))})"
    # A statement of many rows that may be undone by itself makes SQLite copy each page before it changes it, and where
    # keys come in no order that is a page for each row. FAIL leaves the rows before the bad one, as one by one would:
    # they go with the transaction, of which no error here leaves anything.
    insert = "INSERT" if rows == 1 else "INSERT OR FAIL"
    return f"{insert} INTO {table.name} ({_names(table)}) VALUES {', '.join([values] * rows)}"


@cache
def _copy_statement(table: Table) -> tuple[str, tuple[str, ...]]:
    """The statement, and the types that binary COPY must be told: it converts nothing by itself."""
    return f"COPY {table.name} ({_names(table)}) FROM STDIN (FORMAT BINARY)", tuple(map(_type, table.columns))


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _type(column: Any) -> str:
    for kind, name in _COPY_TYPES:
        if isinstance(column.type, kind):
            return name
    if not isinstance(column.type, String):
        raise TypeError(f"copy into {column}: no type of PostgreSQL is known for {column.type!r}")
    return "text"


def _sqlite(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _insert_together(driver: sqlite3.Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    done = 0
    for together in (MOST_ROWS, TOGETHER_ROWS):
        while len(rows) - done >= together:
            values = tuple(chain.from_iterable(rows[done : done + together]))
            driver.execute(_insert_statement(table, together), values)
            done += together
    if done < len(rows):
        driver.executemany(_insert_statement(table), rows[done:])


def _copy(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    statement, types = _copy_statement(table)
    driver = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
