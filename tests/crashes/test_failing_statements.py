"""Every statement of a commit fails both ways: lost, or applied and yet reported failed. On both databases, for one
entry and for a batch (which PostgreSQL takes by COPY), from the first read to the last commit of the stored checkpoint.

Statements are counted in a run without faults, so that one that is added is met, too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from sqlalchemy import Engine, event

from ledger.commit import sequencer
from ledger.errors import UnavailableError
from ledger.store import row_insert
from ledger.store.row_insert import TOGETHER_ROWS
from ledger.upkeep.fsck import fsck
from tests.crashes.told import Told, check_told
from tests.ledger.making import ALICE, make_log, opened, statement

Way = Literal["lost", "applied"]


class Faults:
    """The nth call to the database from now on fails. 0: none, they are only counted."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self.at, self.way, self.count = 0, "lost", 0

    def arm(self, at: int, way: Way) -> None:
        self.at, self.way, self.count = at, way, 0

    def before(self, *_: Any) -> None:
        self.count += 1
        if self.count == self.at and self.way == "lost":
            raise self._error("the disk is gone")

    def after(self, *_: Any) -> None:
        if self.count == self.at and self.way == "applied":
            raise self._error("the disk is gone")

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*args: Any, **options: Any) -> Any:
            self.before()
            result = function(*args, **options)
            self.after()
            return result

        return faulty


def under_sqlite(faults: Faults, patch: pytest.MonkeyPatch) -> None:
    """Every statement and commit of every connection opened from now on, also of those that SQLAlchemy never sees."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *args: Any) -> Any:
            return faults.around(super().execute)(*args)

        def executemany(self, *args: Any) -> Any:
            return faults.around(super().executemany)(*args)

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, *args: Any) -> Any:  # makes a plain cursor of its own
            return faults.around(super().execute)(*args)

        def executemany(self, *args: Any) -> Any:
            return faults.around(super().executemany)(*args)

        def commit(self) -> None:
            faults.around(super().commit)()

    patch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.connect, factory=Connection))


def under_postgresql(faults: Faults, engine: Engine, patch: pytest.MonkeyPatch) -> None:
    """Every statement, the rows that are copied in past SQLAlchemy, every commit."""
    event.listen(engine, "before_cursor_execute", faults.before)
    event.listen(engine, "after_cursor_execute", faults.after)
    patch.setattr(engine.dialect, "do_commit", faults.around(engine.dialect.do_commit))
    patch.setattr(row_insert, "_copy", faults.around(row_insert._copy))


@pytest.mark.parametrize("lines", [1, TOGETHER_ROWS + 1])
def test_every_statement_fails_both_ways(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.01)
    settings = make_log(tmp_path / "data", database_url)
    told, tried, refused = Told.of(settings), 0, 0
    faults = Faults(sqlite3.OperationalError if settings.embedded else psycopg.OperationalError)
    if settings.embedded:
        under_sqlite(faults, monkeypatch)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Faults").case
        if not settings.embedded:
            under_postgresql(faults, ledger.engine, monkeypatch)

        def submit(key: int) -> None:
            said = [statement(key * 100 + line) for line in range(lines)]
            answered = (
                ledger.anchor_batch(ALICE, case, said, f"k{key}")
                if lines > 1
                else [ledger.anchor(ALICE, case, said[0], None, None, f"k{key}")]
            )
            for line, each in enumerate(answered):
                told.answered(f"{key}.{line}", each)

        for key in (1_000, 1_001):  # the first one opens connections
            faults.arm(0, "lost")
            submit(key)
        statements = faults.count
        assert statements >= 12
        for at in range(1, statements + 1):
            for way in ("lost", "applied"):
                tried += 1
                faults.arm(at, way)
                for _ in range(500):
                    try:
                        submit(tried)
                        break
                    except UnavailableError as error:
                        assert error.retry_after > 0
                        refused += 1
                        time.sleep(0.01)
                assert f"{tried}.0" in told.answers, f"statement {at} {way}: never answered"
                assert faults.count >= at, "not met"
        faults.arm(0, "lost")
    assert refused >= statements  # most of them were noticed
    held = check_told(settings, told)
    assert held.lengths[case] == 1 + (tried + 2) * lines == 1 + len(told.answers)
    assert list(fsck(settings)) == []
