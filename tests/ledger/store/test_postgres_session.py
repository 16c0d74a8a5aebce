"""A session is refused where its commits might not survive. tests/clusters has the same with a standby."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from ledger.errors import ConfigError, UnavailableError
from ledger.store.engine import open_engine, ping
from ledger.store.postgres_session import ConfirmedConnection
from ledger.store.sql_store import SqlStore
from tests.postgres import PostgresServer


def database_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture
def log_url(postgres_url: str) -> str:
    SqlStore.create(postgres_url).close()
    return postgres_url


def test_a_server_that_cannot_write_is_refused_until_it_can(log_url: str, postgres_server: PostgresServer) -> None:
    postgres_server.ask(f"ALTER DATABASE {database_of(log_url)} SET default_transaction_read_only = on")
    with pytest.raises(UnavailableError, match="expected the primary server, got a standby or one that is read-only"):
        SqlStore.open(log_url)
    postgres_server.ask(f"ALTER DATABASE {database_of(log_url)} RESET default_transaction_read_only")
    SqlStore.open(log_url).close()


def test_a_required_standby_that_nobody_named_is_missed(log_url: str) -> None:
    store = SqlStore.open(log_url)
    assert store.head().size == 0
    with pytest.raises(UnavailableError, match="synchronous_standby_names is empty"):
        store.require_standby()
    with pytest.raises(UnavailableError, match="synchronous_standby_names is empty"):
        store.head()  # also not by a session that was open before
    store.close()


@pytest.mark.parametrize("commits", ["local", "remote_write"])
def test_commits_that_do_not_wait_for_the_standbys_disk_are_refused(
    log_url: str, postgres_server: PostgresServer, commits: str
) -> None:
    postgres_server.ask(f"ALTER DATABASE {database_of(log_url)} SET synchronous_commit = {commits}")
    store = SqlStore.open(log_url)  # on one machine it is as good as any
    with pytest.raises(ConfigError, match=f"synchronous_commit to be on or remote_apply, got {commits}"):
        store.require_standby()
    store.close()


def test_sqlite_has_no_standby(sqlite_url: str) -> None:
    store = SqlStore.create(sqlite_url)
    with pytest.raises(ConfigError, match="SQLite has no standby"):
        store.require_standby()
    store.close()


def test_a_commit_that_comes_with_a_warning_is_not_confirmed(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    ping(engine)
    # A trigger that speaks at the commit, as the server does when it stops waiting for a standby.
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n int)")
        connection.exec_driver_sql(
            "CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.n = 1 THEN RAISE WARNING 'listen'; ELSE RAISE NOTICE 'listen'; END IF; RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER speaks AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION speak()"
        )
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")  # a notice is none
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, ConfirmedConnection)
    with pytest.raises(OperationalError, match="was not confirmed by the standby"), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
    assert driver.closed
    with engine.begin() as connection:  # another session goes on, and sees that it was committed here
        connection.exec_driver_sql("DO $$ BEGIN RAISE WARNING 'in the middle'; END $$")  # not at the commit
        assert connection.exec_driver_sql("SELECT n FROM t ORDER BY n").scalars().all() == [1, 2]
    engine.dispose()
