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

_SPACE = 0x626C6F62
"""`blob`: our keys meet no other advisory lock in the database by design."""


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
                    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
                    connection.execute(text(f"SELECT {act}(:space, :key)"), {"space": _SPACE, "key": key})
                yield
            finally:
                _let_go(connection)
        finally:
            self._places.release()


def _let_go(connection: Connection) -> None:
    try:
        connection.rollback()
    except SQLAlchemyError as error:
        # What was done under the lock is done, and its doer must hear so. If somebody ordered the same bytes erased in
        # this very moment, fsck finds the entry without its file.
        _log.warning("a lock on a blob was lost while it was held: %s", type(error).__name__)
        connection.invalidate()
    connection.close()
