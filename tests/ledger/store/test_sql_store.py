"""The contract on both databases, and what only a database can promise: triggers, migrations, refusals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from ledger.errors import ConfigError, UnavailableError
from ledger.store import schema, sql_store
from ledger.store.contracts import AmbiguousCommitError, LogStore
from ledger.store.log_rows import ChainHead, TileRow
from ledger.store.sql_store import SqlStore
from tests.contracts.log_store import CHAIN, ROOT, LogStoreContract, entry, note, put
from tests.ledger.making import APPEND_ONLY, Attacker
from tests.postgres import PostgresServer


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    made = SqlStore.create(database_url)
    yield made
    made.close()


class TestSqlStore(LogStoreContract):
    def reopened(self, store: LogStore) -> LogStore:
        assert isinstance(store, SqlStore)
        return SqlStore.open(store.engine.url.render_as_string(hide_password=False))


CHAIN_INDEX = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'entries_chain_seq'",
    "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'entries_chain_seq'",
}


def test_the_tables_are_those_that_the_code_names(store: SqlStore, database_url: str) -> None:
    def named(_: object, name: str | None, *_others: object) -> bool:
        return name != "entries_chain_seq"  # another one on each database

    with store.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_object": named}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []
    with Attacker(database_url) as attacker:
        words = str(attacker.value(CHAIN_INDEX["sqlite" if attacker.sqlite else "postgresql"]))
        columns = "(chain, seq)" if attacker.sqlite else "btree (substr(chain, 1, 7), seq) WITH (fillfactor='100')"
        assert words.startswith("CREATE UNIQUE INDEX") and words.endswith(columns)


def test_a_column_too_many_would_be_seen(store: SqlStore, database_url: str) -> None:
    with Attacker(database_url) as attacker:
        attacker.execute("ALTER TABLE chains ADD COLUMN surplus INTEGER")
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) != []


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_past_is_not_rewritten_from_a_console(store: SqlStore, database_url: str, table: str) -> None:
    put(store, entry(0), tiles=[TileRow(0, 0, b"t" * 8192)], chains=[ChainHead(CHAIN, 1, 1, 0, ROOT)])
    store.save_checkpoint(1, note(1))
    column = {"entries": "leaf", "tiles": "hashes", "checkpoints": "note"}[table]
    attempts = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]  # noqa: S608 (names of our own)
    with Attacker(database_url) as attacker:
        attempts += [] if attacker.sqlite else [f"TRUNCATE {table}", f"TRUNCATE {table}, openings CASCADE"]
        for attempt in attempts:
            with pytest.raises(DBAPIError, match=f"{table} is append-only"):
                attacker.execute(attempt)
        assert attacker.value(f"SELECT count(*) FROM {table}") == 1  # noqa: S608
        # The rule is the trigger's, not the table's: without it the same statement goes through.
        attacker.drop_triggers()
        assert attacker.execute(attempts[0]) == 1


def test_what_is_served_moves_forward_only_from_a_console_too(store: SqlStore, database_url: str) -> None:
    store.save_checkpoint(3, note(3))
    attempts = [f"UPDATE published SET size = {size}, note = note" for size in (2, 3)] + ["DELETE FROM published"]  # noqa: S608 (numbers)
    with Attacker(database_url) as attacker:
        attempts += [] if attacker.sqlite else ["TRUNCATE published"]
        for attempt in attempts:
            with pytest.raises(DBAPIError, match="published moves forward only"):
                attacker.execute(attempt)
        assert store.published() == (3, note(3))
        assert attacker.execute("UPDATE published SET size = 4") == 1
        attacker.drop_triggers()
        for attempt in attempts[:3]:
            assert attacker.execute(attempt) == 1
        assert store.published() is None


def test_openings_can_be_erased_and_the_head_moves(store: SqlStore, database_url: str) -> None:
    put(store, entry(0))
    with Attacker(database_url) as attacker:
        attacker.execute("DELETE FROM openings")
        assert attacker.execute("UPDATE log_head SET size = size") == 1


def test_making_the_tables_twice_changes_nothing(store: SqlStore, database_url: str) -> None:
    put(store, entry(0))
    again = SqlStore.create(database_url)
    assert again.entry(0) == entry(0)
    again.close()


def test_a_log_is_seen_only_where_entries_are(database_url: str) -> None:
    made = SqlStore.create(database_url)
    assert not made.has_entries()
    put(made, entry(0))
    assert made.has_entries()
    made.close()


def test_tables_of_another_version_are_refused(store: SqlStore, database_url: str) -> None:
    with Attacker(database_url) as attacker:
        attacker.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="its tables are of version 9999, made by a newer release"):
        SqlStore.open(database_url)


def test_a_database_without_a_log_is_refused(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match="it holds no log"):
        SqlStore.open(postgres_url)


def test_a_database_that_is_gone_says_so(postgres_server: PostgresServer, postgres_url: str) -> None:
    store = SqlStore.create(postgres_url)
    postgres_server.drop_database(postgres_url.partition("@/")[2].partition("?")[0])
    with pytest.raises(UnavailableError, match="read the head: the database failed"):
        store.head()
    store.close()


def test_a_commit_that_fails_says_what_the_driver_said(sqlite_url: str) -> None:
    """As a full disk does: here it is a promise to a row that never comes, which SQLite looks at in COMMIT."""
    store = SqlStore.create(sqlite_url)
    try:
        with Attacker(sqlite_url) as database:
            database.execute("CREATE TABLE there (id INTEGER PRIMARY KEY)")
            database.execute("CREATE TABLE here (id INTEGER REFERENCES there DEFERRABLE INITIALLY DEFERRED)")
        store.engine.dispose()
        event.listen(store.engine, "connect", lambda driver, _record: driver.execute("PRAGMA foreign_keys=ON"))
        with (
            pytest.raises(AmbiguousCommitError, match=r"did not confirm it: FOREIGN KEY constraint failed$"),
            store.writing() as writer,
        ):
            connection = writer._connection  # type: ignore[attr-defined]  # ours, and no promise of the contract
            connection.exec_driver_sql("INSERT INTO here VALUES (1)")
    finally:
        store.close()


@pytest.mark.parametrize("damage", ["emptied", "taken away"])
def test_a_program_without_its_steps_says_so(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    SqlStore.create(sqlite_url).close()
    folder = tmp_path / "migrations"
    if damage == "emptied":
        shutil.copytree(sql_store.MIGRATIONS, folder, ignore=shutil.ignore_patterns("v0*", "__pycache__"))
    monkeypatch.setattr(sql_store, "MIGRATIONS", folder)
    with pytest.raises(ConfigError, match="the program's own steps cannot be read"):
        SqlStore.open(sqlite_url)
