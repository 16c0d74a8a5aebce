"""Locks on contents, for front ends on several machines that share a PostgreSQL database and a store of blobs.

A lock lives in a transaction of its own that reads and writes nothing: it ends with its connection, and works behind a
pooler that hands out connections by transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import UnavailableError
from ledger.store.engine import database_errors

HOLDERS = 16
"""Contents that one process holds at a time: each takes a connection, and the flow must find some left."""
HOLDER_WAIT_S = 60
LOCK_WAIT_MS = 60_000
"""Who holds a content is storing it or committing its entry. Who waits longer is told to come again."""

HOLDER_GONE = {"idle": 10, "interval": 5, "count": 3}
"""Seconds, seconds, times: a server asks a silent holder's machine whether it is there. One that lost its power keeps
its locks for 25 s; by the system's own settings it would be two hours. Behind a pooler, the pooler has to ask."""

_SPACE = 0x626C6F62
"""`blob`: our keys meet no other advisory lock in the database by design."""

_SETTINGS = (
    "SELECT set_config('lock_timeout', :wait, true), set_config('tcp_keepalives_idle', :idle, true), "
    "set_config('tcp_keepalives_interval', :interval, true), set_config('tcp_keepalives_count', :count, true)"
)
"""Of this transaction alone; on a socket of the same machine the last three do nothing."""

_log = logging.getLogger(__name__)


class AdvisoryLocks:
    """A ledger.blobs.content_locks.ContentLocks in the database of `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._places = BoundedSemaphore(HOLDERS)

    @contextmanager
    def held(self, sha256: bytes, *, alone: bool) -> Iterator[None]:
        """Two contents share a lock with a chance of one in 2^32; then one waits for the other."""
        if not self._places.acquire(timeout=HOLDER_WAIT_S):
            raise UnavailableError("hold a blob: too many are being stored", retry_after=2)
        act = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        key = int.from_bytes(sha256[:4], "big", signed=True)
        try:
            with database_errors("hold a blob"):
                connection = self._engine.connect()
            try:
                with database_errors("hold a blob"):
                    connection.execute(text(_SETTINGS), _settings())
                    connection.execute(text(f"SELECT {act}(:space, :key)"), {"space": _SPACE, "key": key})
                yield
            finally:
                _let_go(connection)
        finally:
            self._places.release()


def _settings() -> dict[str, str]:
    return {"wait": str(LOCK_WAIT_MS), **{name: str(value) for name, value in HOLDER_GONE.items()}}


def _let_go(connection: Connection) -> None:
    try:
        connection.rollback()
    except SQLAlchemyError as error:
        # What was done under the lock is done, and its doer must hear so. If somebody ordered the same bytes erased in
        # this very moment, fsck finds the entry without its file.
        _log.warning("a lock on a blob was lost while it was held: %s", type(error).__name__)
        connection.invalidate()
    connection.close()
