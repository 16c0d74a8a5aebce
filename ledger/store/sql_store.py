"""ledger.store.contracts.LogStore on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select

from ledger.errors import ConfigError
from ledger.store import engine as opening
from ledger.store import schema
from ledger.store.contracts import LogWriter
from ledger.store.postgres_scrub import PostgresScrub
from ledger.store.sql_acts import ActReads
from ledger.store.sql_casework import CaseReads, TimestampReads
from ledger.store.sql_log import CheckpointRows, LogReads
from ledger.store.sql_reminders import ReminderReads
from ledger.store.sql_writer import writing


class SqlStore(LogReads, CheckpointRows, CaseReads, ActReads, ReminderReads, TimestampReads):
    """One log in one database. `engine` is shared with the API's account store, which keeps its own tables beside."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self._postgres_scrub = None if opening.is_sqlite(engine) else PostgresScrub(engine)

    @classmethod
    def open(cls, url: str) -> SqlStore:
        """Open an existing log's database. Raises ConfigError if its tables are missing or of another version."""
        store = cls(opening.open_engine(url))
        try:
            file = opening.sqlite_file(store.engine)
            if file is not None and not file.exists():  # SQLite would make an empty one
                raise ConfigError("open the database: there is no such file", str(file))
            opening.ping(store.engine)
            store._check_version()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, url: str) -> SqlStore:
        """Make the tables where they are missing and open the database. Harmless on a database that has them."""
        store = cls(opening.open_engine(url))
        try:
            opening.ping(store.engine)
            with opening.database_errors("make the tables"), store.engine.connect() as bare:
                connection = bare.execution_options(**opening.WRITER)
                with connection.begin():
                    config = _alembic()
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
        except BaseException:
            store.close()
            raise
        return store

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

    def _check_version(self) -> None:
        with opening.database_errors("read the tables' version"), self.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory.from_config(_alembic()).get_current_head()
        if found is None:
            raise ConfigError("open the database: it holds no log; `evidence-ledger init` makes one")
        if found != wanted:
            raise ConfigError(f"open the database: its tables are of version {found}, this program needs {wanted}")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("ledger.store") / "migrations"))
    return config
