"""What a session with PostgreSQL must be like, so that a commit which it confirms survives.

Each new session is looked at, for a server's settings, its role and its address change while a process runs: a standby
takes over, a proxy leads elsewhere, an administrator edits.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.errors import Diagnostic
from sqlalchemy import Engine, event

from ledger.errors import ConfigError, UnavailableError

CHECKED_AGAIN_S: Final = 300
"""Seconds after which a session is replaced by another: so long at most an edit of the settings goes unnoticed."""

_DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")
_WAITS_FOR_STANDBY: Final = ("on", "remote_apply")  # remote_write has the standby's memory only, local nothing of it
_STATE: Final = (
    "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'), "
    "pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, pg_backend_pid()"
)
_STANDBY: Final = "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"


class ConfirmedConnection(psycopg.Connection[Any]):
    """Takes a COMMIT that comes back with a warning for one whose outcome is not known.

    PostgreSQL stops waiting for its standby when the query is cancelled, by hand or by `statement_timeout`. It has then
    committed on this server alone, which may be lost a moment later, and says so in a warning: COMMIT itself succeeds.
    Warnings are told by their severity, since their words are in the server's language.

    `behind_pooler`: who answers is not who greeted us. PgBouncer and its like may then give each transaction to another
    server process: what outlives a transaction, such as a prepared statement or a session's lock, is somebody else's.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._warned = False
        self.add_notice_handler(self._notice)
        self.behind_pooler = False

    def commit(self) -> None:
        """Raises psycopg.OperationalError, as for a connection that was lost in the middle."""
        self._warned = False
        super().commit()
        if self._warned:
            self.close()
            raise psycopg.OperationalError("the commit was not confirmed by the standby")

    def _notice(self, notice: Diagnostic) -> None:
        self._warned = self._warned or notice.severity_nonlocalized == "WARNING"


def prepare_sessions(engine: Engine) -> None:
    """Have every session of this engine confirm its commits, and refuse servers that may forget or cannot write."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, options: Any) -> ConfirmedConnection:
        return ConfirmedConnection.connect(*args, **options)

    event.listen(engine, "connect", _check_server)


def require_standby(engine: Engine) -> None:
    """Refuse, from now on, sessions whose commits wait for no standby. See Settings.synchronous_standby."""
    event.listen(engine, "connect", _check_standby)
    engine.dispose()  # what is open was not asked


def _check_server(connection: ConfirmedConnection, _record: Any) -> None:
    *values, read_only, pid = _ask(connection, _STATE)
    if pid != connection.info.backend_pid:
        connection.behind_pooler = True
        connection.prepare_threshold = None  # another client's statement of the same name would be executed
    for name, value in zip(_DURABLE, values, strict=True):
        if value == "off":
            connection.close()
            raise ConfigError(
                f"open the database: PostgreSQL runs with {name}={value}: an acknowledged entry could be lost"
            )
    if read_only:
        connection.close()
        # What a standby shows may be old: it would look rolled back. In the middle of a switch this passes.
        raise UnavailableError(
            "open the database: expected the primary server, got a standby or one that is read-only", retry_after=2
        )


def _check_standby(connection: ConfirmedConnection, _record: Any) -> None:
    names, commits = _ask(connection, _STANDBY)
    if commits not in _WAITS_FOR_STANDBY:
        connection.close()
        raise ConfigError(
            "open the database: a synchronous standby is required (synchronous_standby): expected PostgreSQL's "
            f"synchronous_commit to be {' or '.join(_WAITS_FOR_STANDBY)}, got {commits}"
        )
    if not names.strip():
        connection.close()
        raise UnavailableError(
            "open the database: a synchronous standby is required (synchronous_standby), and PostgreSQL's "
            "synchronous_standby_names is empty: an acknowledged entry would be on one machine only",
            retry_after=10,
        )


def _ask(connection: ConfirmedConnection, question: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        row = cursor.execute(question).fetchone()
    connection.rollback()
    return row if row is not None else ()
