"""Bring a data folder made by an older release to this one's form: the tables, step by step, in one transaction.

Files need no step: blobs, keys and the kept checkpoint are read in every form that a release ever wrote, and leaves,
openings and signed notes are never rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.commit.writer_lock import WriterLock
from ledger.config import Settings
from ledger.store.sql_store import SqlStore


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The tables' version before and after; equal where nothing was to be done."""

    before: str
    after: str


def upgrade(settings: Settings) -> Upgraded:
    """Upgrade the tables, all steps or none. Every server on this database must be stopped: on SQLite the writer's lock
    says so, on PostgreSQL the connections that are open.

    Raises ConfigError where one is not, where there is no log, or where a newer release made the tables.
    """
    store = SqlStore.unchecked(settings.database)
    file = store.sqlite_file
    store.close()
    lock = WriterLock(file) if file is not None else None
    try:
        return Upgraded(*SqlStore.upgrade(settings.database))
    finally:
        if lock is not None:
            lock.release()
