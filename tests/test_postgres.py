"""The databases that the other tests stand on are what those tests take them for."""

from __future__ import annotations

import psycopg

from tests.postgres import PostgresServer


def test_the_server_is_durable_as_the_ledger_demands(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.dsn("postgres")) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")}
    assert shown == {"fsync": ("on",), "synchronous_commit": ("on",)}


def test_each_database_is_empty_and_its_own(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    with psycopg.connect(postgres_server.dsn(first)) as connection:
        connection.execute("CREATE TABLE mark (n int)")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(postgres_server.dsn(first)) as one, psycopg.connect(postgres_server.dsn(second)) as two:
        assert (one.execute(tables).fetchone(), two.execute(tables).fetchone()) == ((1,), (0,))


def test_both_databases_are_reached_through_one_fixture(database_url: str) -> None:
    assert database_url.startswith(("sqlite:///", "postgresql+psycopg://"))
