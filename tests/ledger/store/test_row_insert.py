"""Rows arrive whole by each way in: one at a time, many at once, and on PostgreSQL by binary COPY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Float, MetaData, Table, event, select

from ledger.errors import UnavailableError
from ledger.store import schema
from ledger.store.engine import WRITER, database_errors, is_sqlite
from ledger.store.row_insert import COPY_ROWS, MOST_ROWS, TOGETHER_ROWS, insert_rows
from ledger.store.sql_store import SqlStore

TABLES = [table for table in schema.metadata.sorted_tables if table.name not in ("log_head", "published")]
UNIQUE = (schema.entries.c.chain, schema.entries.c.seq)
SAMPLES = {
    "INTEGER": (0, 1, 2**63 - 1),
    "BIGINT": (0, 1, 2**63 - 1),
    "SMALLINT": (0, 1, 2**15 - 1),
    "BLOB": (b"", b"\x00\xff" * 40, bytes(range(256)) * 9),
    "BOOLEAN": (True, False, True),
    "VARCHAR": ("", "Ж\t\\N\n'\"", "a"),
    "TEXT": ("", "one\ntwo", "\N{GRINNING FACE}"),
}


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    made = SqlStore.create(database_url)
    yield made
    made.close()


def rows_of(table: Table, count: int) -> list[tuple[Any, ...]]:
    """Rows of the table's every type, nulls where they may be, keys all different."""

    def value(column: Column[Any], n: int) -> Any:
        kind = str(column.type.compile()).partition("(")[0]
        if column.primary_key or column in UNIQUE:
            return n.to_bytes(16, "big") if kind == "BLOB" else n if "INT" in kind else str(n)
        return None if column.nullable and n % 4 == 3 else SAMPLES[kind][n % 3]

    return [tuple(value(column, n) for column in table.columns) for n in range(count)]


@pytest.mark.parametrize(
    "count", [0, 1, COPY_ROWS - 1, COPY_ROWS, TOGETHER_ROWS - 1, TOGETHER_ROWS, 2 * TOGETHER_ROWS + 1, MOST_ROWS,
              MOST_ROWS + TOGETHER_ROWS + 1]
)  # fmt: skip
def test_every_table_holds_what_was_put_in(store: SqlStore, count: int) -> None:
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for table in TABLES:
        rows = rows_of(table, count)
        with store.engine.connect() as bare:
            connection = bare.execution_options(**WRITER)
            with connection.begin():
                insert_rows(connection, table, rows)
            found = connection.execute(select(table)).all()
        plain = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in found]
        assert sorted(plain, key=repr) == sorted(rows, key=repr), table.name
    if not is_sqlite(store.engine):  # SQLite's driver is asked past SQLAlchemy
        assert any(each.startswith("INSERT") for each in statements) == (0 < count < COPY_ROWS)


@pytest.mark.parametrize("count", [1, COPY_ROWS, TOGETHER_ROWS - 1, TOGETHER_ROWS, 2 * TOGETHER_ROWS, MOST_ROWS - 1])
def test_rows_that_do_not_fit_are_an_error_of_the_database(store: SqlStore, count: int) -> None:
    rows = rows_of(schema.tiles, count)
    with store.engine.connect() as bare:
        connection = bare.execution_options(**WRITER)
        with pytest.raises(UnavailableError, match="put tiles: the database failed"), database_errors("put tiles"):  # noqa: SIM117
            with connection.begin():
                insert_rows(connection, schema.tiles, [*rows, rows[0]])
    with store.engine.connect() as connection:
        assert connection.execute(select(schema.tiles)).all() == []


def test_a_column_of_an_unknown_type_is_refused_before_anything_is_copied(postgres_url: str) -> None:
    store = SqlStore.create(postgres_url)
    with store.engine.connect() as connection, pytest.raises(TypeError, match="no type of PostgreSQL is known"):
        insert_rows(connection, Table("fractions", MetaData(), Column("idx", Float)), [(0.5,)] * COPY_ROWS)
    store.close()
