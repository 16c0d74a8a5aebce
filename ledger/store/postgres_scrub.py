"""What was erased must be in none of PostgreSQL's files: tables are rewritten, and the write-ahead log is written over.

PostgreSQL overwrites nothing. A changed row's old bytes stay in its table's pages, also after a plain VACUUM, until
their place is used again; and a segment of the write-ahead log that is no longer needed gets a later one's name, with
the bytes it has. So, for all erasures that wait:

    1  nobody may still see the rows as they were: a rewrite keeps such rows
    2  VACUUM FULL writes each table that erasures change anew, with its indexes and its TOAST table
    3  all that tells of old bytes lies before the log's end now: the log goes on to the next segment, and a checkpoint
       lets go of those before
    4  filler is written until the log has passed every segment that lies there under a later name
    5  the erasures are marked as done

Each step may be repeated. A process remembers what it has rewritten, so that waiting for steps 3 and 4 repeats no
rewrite; after a restart there is one more.

Beyond reach: archived log, standby servers, backups and snapshots made before, the server's own log where it is told to
write down parameters, and files that a crash of the server orphans in the middle of a rewrite.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, and_, select
from sqlalchemy.exc import DBAPIError

from ledger.errors import UnavailableError
from ledger.store import schema
from ledger.store.engine import database_errors
from ledger.store.postgres_session import ConfirmedConnection

ERASED_TABLES: Final = ("openings", "evidence", "links", "idempotency")
"""What an erasure changes. Names of our own, so they may stand in a statement."""

ALONE_WAIT_MS: Final = 30_000
"""How long one scrub waits for another process's."""

TABLE_WAIT_MS: Final = 2_000
"""How long a rewrite waits for its table: so long everybody who comes after it waits too."""

TABLE_ATTEMPTS: Final = 5
"""How often it asks again, for a table in use: a dump reads for hours, and the erasure is tried again each minute."""

TABLE_PAUSE_S: Final = 1.0
"""Between two attempts, those who waited get on."""

SIGHT_WAIT_S: Final = 10.0
"""How long a scrub waits for transactions that still see what was erased."""

LOG_WAIT_S: Final = 10.0
"""How long it waits for the archiver to be done with the log's old segments."""

FILLER_BYTES: Final = 1_048_576
"""Filler goes into the log in records of this size, in bytes: few statements, little memory."""

RETRY_S: Final = 60
"""ledger.workers tries unfinished erasures again after so many seconds."""

_LOCK: Final = 0x6576_6964_7363_7275  # the advisory lock's number, "evidscru": one scrub of a database at a time
_MESSAGE: Final = "evidence-ledger scrub"
_SEGMENT: Final = re.compile(r"[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})(?:\.partial)?")

_LOCK_NOT_AVAILABLE: Final = "55P03"
_INSUFFICIENT_PRIVILEGE: Final = "42501"

# Who may see, or hand on, what transaction %(mark)s and all before it replaced. Sessions of other databases do so only
# by a transaction that writes; the number of a prepared transaction moves from its session, so it is looked at last.
_SEERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE age(backend_xid) > age(CAST(%(mark)s AS xid)) OR (age(backend_xmin) "
    "> age(CAST(%(mark)s AS xid)) AND (datname IS NULL OR datname = current_database()))",
    "SELECT count(*) FROM pg_replication_slots WHERE age(xmin) > age(CAST(%(mark)s AS xid))",
    "SELECT count(*) FROM pg_prepared_xacts WHERE age(transaction) > age(CAST(%(mark)s AS xid))",
)
_POSITION: Final = "SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint)"
_SEGMENT_BYTES: Final = "SELECT CAST(setting AS bigint) FROM pg_settings WHERE name = 'wal_segment_size'"
_RIGHTS: Final = (
    "SELECT quote_ident(current_user), has_function_privilege('pg_ls_waldir()', 'EXECUTE'), "
    "NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND NOT pg_has_role(oid, 'USAGE'))"
)


class PostgresScrub:
    """Scrubs one database, for one process. Its state is guarded by the database's advisory lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._carried_out: dict[int, int] = {}  # erasure → a transaction that began after its rows were replaced
        self._rewritten = 0  # what was replaced before this transaction is in no page
        self._log_end = 0  # where the log ended after that rewrite, in bytes

    def run(self, erasures: Sequence[int], finish: Callable[[int], None]) -> None:
        """Scrub, and `finish` these erasures (indexes of their acts), whose rows have been replaced.

        Raises UnavailableError with what is left, and what the database's administrator must do where it is his to do.
        """
        with self._alone(erasures) as connection:
            waiting = self._unfinished(connection, erasures)
            if not waiting:
                return  # another process did it
            if max(self._carried_out[index] for index in waiting) > self._rewritten:
                self._rewrite(connection)
            self._write_over_log(connection)
            for index in waiting:
                finish(index)
        for index in waiting:
            self._carried_out.pop(index, None)

    def missing_rights(self) -> str | None:
        """What the database's administrator has to grant so that a scrub can be seen through; None: nothing."""
        with database_errors("scrub the database"), self._engine.connect() as connection:
            role, may_list, may_checkpoint = connection.exec_driver_sql(_RIGHTS).one()
        grants = [] if may_list else [f"GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO {role};"]
        grants += [] if may_checkpoint else [f"GRANT pg_checkpoint TO {role};"]
        return f"the database's administrator must run in this database: {' '.join(grants)}" if grants else None

    @contextmanager
    def _alone(self, erasures: Sequence[int]) -> Iterator[Connection]:
        """A session of its own, which holds the lock and ends with it."""
        with database_errors("scrub the database"), self._engine.connect() as bare:
            connection = bare.execution_options(isolation_level="AUTOCOMMIT")
            if cast("ConfirmedConnection", connection.connection.dbapi_connection).behind_pooler:
                raise UnavailableError(
                    "scrub the database: expected PostgreSQL itself, got a pooler, behind which no lock can be held: "
                    "start one server on the database's own address",
                    retry_after=RETRY_S,
                )
            connection.detach()
            now = _one(connection, "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
            for index in erasures:
                self._carried_out.setdefault(index, now)
            connection.exec_driver_sql(f"SET lock_timeout = {ALONE_WAIT_MS}")
            if not _locked(connection, f"SELECT pg_advisory_lock({_LOCK})"):
                raise UnavailableError("scrub the database: another process does it all the while", retry_after=RETRY_S)
            connection.exec_driver_sql(f"SET lock_timeout = {TABLE_WAIT_MS}")
            yield connection

    def _unfinished(self, connection: Connection, erasures: Sequence[int]) -> list[int]:
        table = schema.erasures
        waiting = and_(table.c.idx.in_(erasures), table.c.done.is_(False))
        return list(connection.execute(select(table.c.idx).where(waiting).order_by(table.c.idx)).scalars())

    # --- the tables --------------------------------------------------------------------------------------------------

    def _rewrite(self, connection: Connection) -> None:
        """Steps 1 and 2. Erasures carried out meanwhile by others are not counted in: they come after `mark`."""
        mark = _one(connection, "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
        _await_seers(connection, mark)
        for table in ERASED_TABLES:
            _rewrite_table(connection, table)
        self._rewritten, self._log_end = mark, _one(connection, _POSITION)

    # --- the write-ahead log -----------------------------------------------------------------------------------------

    def _write_over_log(self, connection: Connection) -> None:
        """Steps 3 and 4. Segments are compared by number alone: one of an earlier timeline has a lower number."""
        size = _one(connection, _SEGMENT_BYTES)
        last = self._log_end // size
        _advance(connection, last + 1, size)
        may_checkpoint = _checkpoint(connection)
        deadline = time.monotonic() + LOG_WAIT_S
        while min(segments := self._segments(connection, size), default=last) <= last:
            if not may_checkpoint or time.monotonic() > deadline:
                raise UnavailableError(f"scrub the database: {self._why_kept()}", retry_after=RETRY_S)
            time.sleep(0.5)
            _checkpoint(connection)
        _advance(connection, max(segments) + 1, size)
        # A commit waits until the log before it is on disk.
        connection.exec_driver_sql(f"SELECT pg_logical_emit_message(true, '{_MESSAGE}', '')")

    def _segments(self, connection: Connection, size: int) -> list[int]:
        """The numbers of the segments that lie in pg_wal, also of those that wait there to be used."""
        try:
            names = connection.exec_driver_sql("SELECT name FROM pg_ls_waldir()").scalars().all()
        except DBAPIError as error:
            if _state(error) != _INSUFFICIENT_PRIVILEGE:
                raise
            what = f"the tables are rewritten, and the write-ahead log cannot be looked at: {self.missing_rights()}"
            raise UnavailableError(f"scrub the database: {what}", retry_after=RETRY_S) from error
        found = filter(None, map(_SEGMENT.fullmatch, names))
        return [int(name[1], 16) * (0x1_0000_0000 // size) + int(name[2], 16) for name in found]

    def _why_kept(self) -> str:
        kept = "the tables are rewritten, and pg_wal still has segments from before"
        rights = self.missing_rights()
        if rights is not None:
            return f"{kept}, until the server's own next checkpoint; to hasten it {rights}"
        return f"{kept}: a replication slot, wal_keep_size, an archiver that lags behind, or no checkpoint holds them"


def _await_seers(connection: Connection, mark: int) -> None:
    """Wait until nobody sees what was replaced before `mark`.

    Found clear twice: after the first time no transaction from before runs, so that nobody can begin to see; whoever
    began while we looked is found the second time.
    """
    deadline, clear = time.monotonic() + SIGHT_WAIT_S, 0
    values = {"mark": str(mark % 2**32)}
    while clear < 2:
        if not any(connection.exec_driver_sql(statement, values).scalar_one() for statement in _SEERS):
            clear += 1
            continue
        if time.monotonic() > deadline:
            what = "a transaction, prepared transaction or replication slot of before still sees what was erased"
            raise UnavailableError(f"scrub the database: {what}", retry_after=RETRY_S)
        clear = 0
        time.sleep(0.1)


def _rewrite_table(connection: Connection, table: str) -> None:
    filenode = f"SELECT pg_relation_filenode('{table}')"
    before = _one(connection, filenode)
    for attempt in range(TABLE_ATTEMPTS):
        time.sleep(TABLE_PAUSE_S if attempt else 0)
        if _locked(connection, f"VACUUM FULL {table}"):
            break
    else:
        raise UnavailableError(f"scrub the database: table {table} is read all the while", retry_after=RETRY_S)
    if _one(connection, filenode) == before:  # PostgreSQL passes over what is not ours, with a warning alone
        raise UnavailableError(
            f"scrub the database: table {table} must belong to the ledger's role", retry_after=RETRY_S
        )


def _advance(connection: Connection, segment: int, size: int) -> None:
    """Write filler until the log's end lies in this segment, or beyond. Needs no right."""
    while (end := _one(connection, _POSITION)) < segment * size:
        filler = min(FILLER_BYTES, size - end % size)
        connection.exec_driver_sql(f"SELECT pg_logical_emit_message(false, '{_MESSAGE}', repeat(' ', {filler}))")


def _checkpoint(connection: Connection) -> bool:
    """Whether we may; where not, the server makes one of its own within checkpoint_timeout."""
    try:
        connection.exec_driver_sql("CHECKPOINT")
    except DBAPIError as error:
        if _state(error) != _INSUFFICIENT_PRIVILEGE:
            raise
        return False
    return True


def _locked(connection: Connection, statement: str) -> bool:
    """Execute a statement. Returns False where it had to wait for a lock too long."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if _state(error) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _one(connection: Connection, statement: str) -> int:
    return int(connection.exec_driver_sql(statement).scalar_one())


def _state(error: DBAPIError) -> Any:
    return getattr(error.orig, "sqlstate", None)
