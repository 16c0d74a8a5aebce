"""Bytes that a log takes in its database, and those of them that nobody could do without."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from sqlalchemy.engine import make_url

from ledger.config import Settings

_NEEDED: Final = (
    "SELECT (SELECT count(*) FROM entries), (SELECT sum(length(leaf)) FROM entries), "
    "(SELECT coalesce(sum(length(secret) + length(fields)), 0) FROM openings)"
)

# With indexes and TOAST, without the catalogues of an empty database (7 MB).
_TABLES: Final = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables"


@dataclass(frozen=True, slots=True)
class Stored:
    """`taken`: bytes of all tables, indexes and free pages too. `needed`: bytes of leaves and openings."""

    entries: int
    taken: int
    needed: int

    @property
    def each(self) -> float:
        """Bytes an entry."""
        return self.taken / self.entries

    @property
    def ratio(self) -> float:
        """Taken ÷ (leaves + openings)."""
        return self.taken / self.needed

    def since(self, before: Stored) -> Stored:
        """What came in between."""
        return Stored(self.entries - before.entries, self.taken - before.taken, self.needed - before.needed)


def measure_stored(settings: Settings) -> Stored:
    """While nothing is being written. On SQLite the write-ahead log is folded in first."""
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        with closing(sqlite3.connect(url.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            return _stored(connection.execute(_NEEDED).fetchone(), pages * size)
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn) as server:
        row = server.execute(_TABLES).fetchone()
        assert row is not None
        return _stored(server.execute(_NEEDED).fetchone(), int(row[0]))


def _stored(needed: Any, taken: int) -> Stored:
    entries, leaves, openings = needed
    return Stored(entries, taken, int(leaves) + int(openings))
