"""What a database says of itself, for `doctor` and `status`: nothing here decides anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text

from ledger.store.engine import database_errors, is_sqlite

_SYNCHRONOUS: Final = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}

_STANDBYS: Final = (
    "SELECT application_name, sync_state, state, "
    "pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS behind FROM pg_stat_replication ORDER BY 1"
)


@dataclass(frozen=True, slots=True)
class Look:
    """`settings`: what durability hangs on, by name. `standbys`: one line each, None for SQLite, which has none.

    `synchronous`: whether a commit waits for a standby that is there now.
    """

    version: str
    settings: dict[str, str]
    standbys: tuple[str, ...] | None
    synchronous: bool = False


def look(engine: Engine) -> Look:
    """Ask the database. Raises UnavailableError."""
    with database_errors("look at the database"), engine.connect() as connection:
        return _sqlite(connection) if is_sqlite(engine) else _postgresql(connection)


def _sqlite(connection: Connection) -> Look:
    def one(sql: str) -> object:
        return connection.exec_driver_sql(sql).scalar_one()

    settings = {
        "journal_mode": str(one("PRAGMA journal_mode")),
        "synchronous": _SYNCHRONOUS.get(int(str(one("PRAGMA synchronous"))), "unknown"),
        "secure_delete": str(one("PRAGMA secure_delete")),
    }
    return Look(f"SQLite {one('SELECT sqlite_version()')}", settings, None)


def _postgresql(connection: Connection) -> Look:
    names = ("fsync", "synchronous_commit", "full_page_writes", "synchronous_standby_names", "wal_level")
    settings = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in names}
    version = str(connection.execute(text("SHOW server_version")).scalar_one())
    rows = connection.execute(text(_STANDBYS)).all()
    # Whoever may not look into others' work sees that a standby is there, and nothing of it.
    standbys = tuple(
        f"{row.application_name}: {row.sync_state or 'not shown to this role'}, {row.state or '-'}, "
        f"{'-' if row.behind is None else row.behind} bytes behind"
        for row in rows
    )
    return Look(f"PostgreSQL {version}", settings, standbys, any(row.sync_state in ("sync", "quorum") for row in rows))
