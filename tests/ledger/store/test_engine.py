"""A database is opened in the one mode in which the promises hold, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from ledger.errors import ConfigError, UnavailableError
from ledger.store.engine import (
    POOL_OVERFLOW,
    POOL_SIZE,
    open_engine,
    ping,
    sqlite_file,
)
from ledger.store.sql_store import SqlStore
from tests.postgres import PostgresServer


def show(url: str, name: str) -> object:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(name)).scalar_one()
    engine.dispose()
    return found


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u@h/db",
        "nonsense",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///x.db",
        "postgresql+nosuch://h/db",
        "postgresql://u@h:5432,g:5432/db",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="open the database: "):
        open_engine(url)


def test_sqlite_waits_for_the_disk(sqlite_url: str) -> None:
    assert show(sqlite_url, "PRAGMA journal_mode") == "wal"
    assert show(sqlite_url, "PRAGMA synchronous") == 2  # FULL: each commit is on disk


def test_opening_makes_no_file(tmp_path: Path, sqlite_url: str) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        SqlStore.open(sqlite_url)
    assert list(tmp_path.iterdir()) == []


def test_one_sqlite_file_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "real.db").touch()
    (tmp_path / "link.db").symlink_to("real.db")
    assert sqlite_file(open_engine(f"sqlite:///{tmp_path}/link.db")) == (tmp_path / "real.db").resolve()


def test_a_postgresql_has_no_file(postgres_url: str) -> None:
    assert sqlite_file(open_engine(postgres_url)) is None


@pytest.fixture
def superuser(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_server.dsn("postgres"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync", "full_page_writes"])
def test_a_postgresql_that_may_forget_is_refused(
    postgres_url: str, superuser: psycopg.Connection, setting: str
) -> None:
    SqlStore.create(postgres_url).close()
    try:
        superuser.execute(f"ALTER SYSTEM SET {setting} = off")
        superuser.execute("SELECT pg_reload_conf()")
        for _ in range(100):  # the server takes a moment to tell its processes
            with psycopg.connect(superuser.info.dsn) as fresh:
                if fresh.execute(f"SHOW {setting}").fetchone() == ("off",):
                    break
        with pytest.raises(ConfigError, match=f"{setting}=off: an acknowledged entry could be lost"):
            SqlStore.open(postgres_url)
    finally:
        superuser.execute(f"ALTER SYSTEM RESET {setting}")
        superuser.execute("SELECT pg_reload_conf()")
    for _ in range(100):
        with psycopg.connect(superuser.info.dsn) as fresh:
            if fresh.execute(f"SHOW {setting}").fetchone() == ("on",):
                break
    SqlStore.open(postgres_url).close()


def test_a_database_may_not_choose_forgetting_by_default(postgres_url: str, superuser: psycopg.Connection) -> None:
    SqlStore.create(postgres_url).close()
    name = postgres_url.partition("@/")[2].partition("?")[0]
    superuser.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(ConfigError, match="synchronous_commit=off"):
        SqlStore.open(postgres_url)


def test_the_isolation_is_ours_whatever_the_database_defaults_to(
    postgres_url: str, superuser: psycopg.Connection
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    superuser.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    assert show(postgres_url, "SHOW transaction_isolation") == "read committed"


def test_a_server_that_goes_away_without_a_word_is_given_up(postgres_url: str) -> None:
    def parameters(url: str) -> dict[str, str]:
        engine = open_engine(url)
        with engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            found = driver.info.get_parameters()
        engine.dispose()
        return found

    found = parameters(postgres_url)
    # Noticed within 15 s, whether an answer is waited for or a question is under way.
    assert int(found["keepalives_idle"]) + int(found["keepalives_interval"]) * int(found["keepalives_count"]) <= 15
    assert (found["tcp_user_timeout"], found["connect_timeout"]) == ("15000", "5")
    own = parameters(f"{postgres_url}&tcp_user_timeout=7000")
    assert (own["tcp_user_timeout"], own["connect_timeout"]) == ("7000", "5")


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="reach the database: the database failed"):
        ping(open_engine(f"postgresql://nobody@/none?host={tmp_path}"))


def test_readers_beyond_the_connections_are_told_to_come_back(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.engine.POOL_TIMEOUT_S", 0.05)
    SqlStore.create(sqlite_url).close()
    store = SqlStore.open(sqlite_url)
    held = [store.engine.connect() for _ in range(POOL_SIZE + POOL_OVERFLOW)]
    with pytest.raises(UnavailableError, match="the database failed"):
        store.head()
    held.pop().close()
    assert store.head().size == 0
    for each in held:
        each.close()
    store.close()
