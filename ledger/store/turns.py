"""Turns at work that one process of several is to do: who has the turn does it, the others come again later.

A turn is a lock in a transaction of its own that reads and writes nothing, as in ledger.store.advisory_locks. It ends
with the process that has it; and where a whole machine goes away without a word, with the server's patience for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ledger.store.engine import database_errors, is_sqlite

TURN_SECONDS: Final = 60
"""After which PostgreSQL ends the session of one who has the turn and is not heard of: longer than any work under it,
and no longer than the interval of timestamps.
"""

_SPACE: Final = 0x7475726E
"""`turn`: our keys meet no other advisory lock in the database by design."""

_log = logging.getLogger(__name__)


class Turns:
    """Of the processes on one database. On SQLite there is one process, and it is always its turn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def take(self, work: str) -> Iterator[bool]:
        """Whether it is this process's turn at `work`, until the block is left. Waits for nobody.

        Two works share a turn with a chance of one in 2^32; then they are done one after the other. Raises
        UnavailableError. A turn that was lost to the server's impatience is not told: the work must bear to be done
        twice, if seldom.
        """
        if is_sqlite(self._engine):
            yield True
            return
        key = int.from_bytes(sha256(work.encode()).digest()[:4], "big", signed=True)
        with database_errors(f"take the turn at {work}"):
            connection = self._engine.connect()
        try:
            with database_errors(f"take the turn at {work}"):
                connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{TURN_SECONDS}s'"))
                taken = "SELECT pg_try_advisory_xact_lock(:space, :key)"
                mine = bool(connection.execute(text(taken), {"space": _SPACE, "key": key}).scalar_one())
            yield mine
        finally:
            _end(connection, work)


def _end(connection: Connection, work: str) -> None:
    try:
        connection.rollback()
    except SQLAlchemyError as error:
        _log.warning("the turn at %s was lost before it was over: %s", work, type(error).__name__)
        connection.invalidate()
    connection.close()
