"""Open a database in the only mode in which the contracts' promises hold, and refuse any other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from ledger.errors import ConfigError, UnavailableError
from ledger.store.postgres_session import CHECKED_AGAIN_S, prepare_sessions

__all__ = [
    "WRITER", "Engine", "database_errors", "empty_sqlite_log", "first_line", "is_sqlite", "open_engine", "ping",
    "sqlite_file",
]  # fmt: skip

# Readers are as many as the server's threads; a request that finds no connection within the time gets 503.
POOL_SIZE = 16
POOL_OVERFLOW = 48
POOL_TIMEOUT_S = 10

# Seconds (the last: milliseconds) after which a server that went away without a word is given up. TCP alone would wait
# for a quarter of an hour, while a standby serves already. What the address itself says stands.
_NOTICING = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "15000",
}

# How long a SQLite statement waits for another process's write (a user added beside a running server).
SQLITE_BUSY_MS = 10_000

# Marks the connections that take SQLite's write lock at BEGIN: a deferred one could fail at its first write.
WRITER = {"evidence_writer": True}


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://…` (psycopg 3). Raises ConfigError for any other address."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # the latter for host:1,host:2, which libpq would take
        raise ConfigError(
            "open the database: expected an address such as sqlite:///FILE or postgresql://USER@HOST/NAME; several "
            "servers are named as in postgresql://USER@/NAME?host=HOST:5432&host=HOST:5432"
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(f"open the database: expected sqlite or postgresql, got {backend}")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigError("open the database: expected a file, as in sqlite:///FILE; memory forgets")
    # A database may default to another isolation: a writer that waited for the head would then fail instead of going on
    # from the head that it waited for.
    isolation: dict[str, Any] = {"isolation_level": "READ COMMITTED"} if backend == "postgresql" else {}
    if backend == "postgresql":
        parsed = parsed.update_query_dict({name: each for name, each in _NOTICING.items() if name not in parsed.query})
    try:
        engine = create_engine(
            parsed,
            poolclass=QueuePool,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT_S,
            pool_pre_ping=backend == "postgresql",
            pool_recycle=CHECKED_AGAIN_S if backend == "postgresql" else -1,
            **isolation,
        )
    except (NoSuchModuleError, ImportError) as error:
        raise ConfigError(f"open the database: no driver for {parsed.drivername}") from error
    if backend == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        prepare_sessions(engine)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, and say which
    cursor = connection.cursor()
    # No mmap_size: it saves a third of a large read at a million entries, and where the disk fails the process is
    # killed (SIGBUS) instead of told. A larger cache_size saves nothing where reads are spread out.
    for pragma in (
        f"busy_timeout={SQLITE_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "trusted_schema=OFF",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writer = connection.get_execution_options().get("evidence_writer")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


@contextmanager
def database_errors(act: str) -> Iterator[None]:
    """Turn what the database's drivers raise into UnavailableError, saying which act failed."""
    try:
        yield
    except DBAPIError as error:
        raise UnavailableError(f"{act}: the database failed: {first_line(error.orig)}", retry_after=2) from error
    except (psycopg.Error, sqlite3.Error) as error:  # of what goes past SQLAlchemy: COPY, settings
        raise UnavailableError(f"{act}: the database failed: {first_line(error)}", retry_after=2) from error
    except SQLAlchemyError as error:
        raise UnavailableError(f"{act}: the database failed: {first_line(error)}", retry_after=2) from error


def first_line(error: object) -> str:
    """The driver's own words without the statement's values: an opening must not reach a log line."""
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite database, without symbolic links: one file, one name. None for PostgreSQL."""
    return Path(str(engine.url.database)).resolve() if is_sqlite(engine) else None


def empty_sqlite_log(engine: Engine) -> None:
    """Move all of SQLite's write-ahead log into its file. Raises UnavailableError while somebody reads old pages."""
    with database_errors("scrub the database"), engine.connect() as bare:
        connection = bare.execution_options(isolation_level="AUTOCOMMIT")
        if connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            raise UnavailableError("scrub the database: somebody reads it all the while", retry_after=10)


def ping(engine: Engine) -> None:
    """Raises UnavailableError unless the database answers."""
    with database_errors("reach the database"), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
