"""The PostgreSQL that benchmarks measure on: a server of their own, with PostgreSQL's durable settings."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg

from benchmarks.comparison import SkippedError
from tests.postgres import PostgresServer, running_postgres


def start_postgres(stack: ExitStack) -> PostgresServer:
    """A server that runs until `stack` is left. Raises SkippedError with the reason where none can start."""
    try:
        return stack.enter_context(running_postgres())
    except (OSError, RuntimeError) as error:
        raise SkippedError(f"no PostgreSQL: {str(error).splitlines()[0]}") from error


def name_of(server: PostgresServer) -> str:
    """Its name with the major version: `PostgreSQL 18`."""
    with psycopg.connect(server.dsn("postgres")) as connection:
        return f"PostgreSQL {connection.info.server_version // 10_000}"
