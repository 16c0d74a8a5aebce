"""ledger.store.contracts.LogStore on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, select, text

from ledger.errors import ConfigError
from ledger.store import engine as opening
from ledger.store import schema
from ledger.store.checkpoint_rows import CheckpointRows
from ledger.store.contracts import LogWriter
from ledger.store.postgres_scrub import PostgresScrub
from ledger.store.postgres_session import require_standby
from ledger.store.short_reads import ShortReads
from ledger.store.sql_acts import ActReads
from ledger.store.sql_casework import CaseReads, TimestampReads
from ledger.store.sql_log import LogReads
from ledger.store.sql_reminders import ReminderReads
from ledger.store.sql_writer import writing
from ledger.store.unflushed import UnflushedWriter

MIGRATIONS: Final = Path(__file__).with_name("migrations")
"""Alembic's folder: a step for each version of the tables that a release ever had."""


class SqlStore(LogReads, CheckpointRows, CaseReads, ActReads, ReminderReads, TimestampReads):
    """One log in one database. `engine` is shared with the API's account store, which keeps its own tables beside."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self._short_reads = ShortReads(engine)
        self._unflushed = UnflushedWriter(engine) if opening.is_sqlite(engine) else None
        self._postgres_scrub = None if opening.is_sqlite(engine) else PostgresScrub(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open an existing log's database. Raises ConfigError if its tables are missing or of another version."""
        store = cls.unchecked(url)
        try:
            check_revision(store.revision())
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, url: str, revision: str = "head") -> Self:
        """Make the tables where they are missing and open the database. Harmless on a database that has them.

        `revision`: an older version of the tables, as an earlier release made them, to try the steps from it.
        """
        store = cls(opening.open_engine(url))
        try:
            opening.ping(store.engine)
            with store._changing_tables("make the tables") as connection:
                _migrate(connection, revision)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def upgrade(cls, url: str) -> tuple[str, str]:
        """Bring the tables of an existing log to this program's version, in one transaction that holds the head: all
        steps are done, or none. Returns the version before and after.

        Raises ConfigError where there is no log, where a newer program made the tables, and on PostgreSQL where other
        connections of this role are open: a process of the old version would go on with tables it does not know. On
        SQLite whoever calls holds the writer's lock.
        """
        store = cls.unchecked(url)
        try:
            before = store.revision()
            check_revision(before, older_is_fine=True)
            with store._changing_tables("upgrade the tables") as connection:
                if not opening.is_sqlite(store.engine):
                    connection.execute(text("SELECT size FROM log_head WHERE id = 1 FOR UPDATE"))
                    _refuse_company(connection)
                _migrate(connection, "head")
            return before or "", store.revision() or ""
        finally:
            store.close()

    @classmethod
    def unchecked(cls, url: str) -> Self:
        """A database that is there and answers, whatever version its tables have: to look into, not to work on."""
        store = cls(opening.open_engine(url))
        try:
            file = opening.sqlite_file(store.engine)
            if file is not None and not file.exists():  # SQLite would make an empty one
                raise ConfigError("open the database: there is no such file", str(file))
            opening.ping(store.engine)
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def _changing_tables(self, act: str) -> Iterator[Connection]:
        with opening.database_errors(act), self.engine.connect() as bare:
            connection = bare.execution_options(**opening.WRITER)
            with connection.begin():
                yield connection

    def revision(self) -> str | None:
        """The version of the tables, as Alembic names it; None where there are none."""
        with opening.database_errors("read the tables' version"), self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def require_standby(self) -> None:
        """From now on, work only with a PostgreSQL whose commits wait for a standby. Raises ConfigError on SQLite, and
        what such a PostgreSQL is refused with.
        """
        if opening.is_sqlite(self.engine):
            raise ConfigError("open the database: SQLite has no standby", "synchronous_standby")
        require_standby(self.engine)
        opening.ping(self.engine)

    def writing(self) -> AbstractContextManager[LogWriter]:
        return writing(self.engine)

    def finish_erasures(self, indexes: Sequence[int]) -> None:
        if self._postgres_scrub is not None:
            self._postgres_scrub.run(indexes, self.mark_erased)
            return
        # Freed pages were overwritten (secure_delete); the pages as they were are still in the log beside them.
        opening.empty_sqlite_log(self.engine)
        for index in indexes:
            self.mark_erased(index)

    def missing_rights(self) -> str | None:
        return None if self._postgres_scrub is None else self._postgres_scrub.missing_rights()

    def has_entries(self) -> bool:
        """Whether a log lives here already; false also where there are no tables."""
        with opening.database_errors("look into the database"), self.engine.connect() as connection:
            if not inspect(connection).has_table("entries"):
                return False
            return connection.execute(select(schema.entries.c.idx).limit(1)).first() is not None

    @property
    def sqlite_file(self) -> Path | None:
        """Where a SQLite database lies; None for PostgreSQL."""
        return opening.sqlite_file(self.engine)

    def close(self) -> None:
        self.engine.dispose()


def check_revision(found: str | None, *, older_is_fine: bool = False) -> None:
    """Raises ConfigError, with what to do, unless tables of this version are those that this program works on."""
    known = _known_revisions()
    if found is None:
        raise ConfigError("open the database: it holds no log; `evidence-ledger init` makes one")
    if found not in known:
        raise ConfigError(
            f"open the database: its tables are of version {found}, made by a newer release; this one knows versions "
            f"up to {known[0]}: run the newer release"
        )
    if found != known[0] and not older_is_fine:
        raise ConfigError(
            f"open the database: its tables are of version {found}, this program needs {known[0]}: make a backup, "
            "then run `evidence-ledger upgrade`"
        )


def _known_revisions() -> list[str]:
    """The versions of the tables that this program has steps for, the newest first. Raises ConfigError without any."""
    try:
        known = [step.revision for step in ScriptDirectory.from_config(_alembic()).walk_revisions()]
    except (CommandError, OSError) as error:
        raise ConfigError(
            f"open the database: the program's own steps cannot be read: {error}", str(MIGRATIONS)
        ) from error
    if not known:
        raise ConfigError(
            "open the database: the program's own steps cannot be read, or are missing: its installation is damaged",
            str(MIGRATIONS),
        )
    return known


def _refuse_company(connection: Connection) -> None:
    """Who waits for the head that we hold would go on, after our commit, with statements for the old tables."""
    others = connection.execute(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    ).scalar_one()
    if others:
        raise ConfigError(
            f"upgrade the tables: {others} other connections of this role are open; stop every server and command on "
            "this database first"
        )


def _migrate(connection: Connection, revision: str) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # it expands %(name)s
    return config
