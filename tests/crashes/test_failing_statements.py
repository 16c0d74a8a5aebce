"""Every statement of a commit fails both ways: lost, or applied and yet reported failed. On both databases, for one
entry and for a batch (which PostgreSQL takes by COPY), from the first read to the last commit of the stored checkpoint.

Statements are counted in a run without faults, so that one that is added is met, too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from sqlalchemy import event

from ledger.assembly import Ledger
from ledger.commit import sequencer
from ledger.errors import UnavailableError
from ledger.store import row_insert
from ledger.store.row_insert import COPY_ROWS
from ledger.upkeep.fsck import fsck
from tests.crashes.told import Told, check_told
from tests.ledger.making import ALICE, make_log, opened, statement

Way = Literal["lost", "applied"]


class Faulty:
    """The database under a ledger, whose nth statement or commit from now on fails. 0: none, they are only counted."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine
        self._error = sqlite3.OperationalError if ledger.settings.embedded else psycopg.OperationalError
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

    def around(self, function: Any) -> Any:
        """For what is no statement to SQLAlchemy: a commit, and rows that are copied in."""

        def faulty(*args: Any) -> Any:
            self.before()
            result = function(*args)
            self.after()
            return result

        return faulty

    @contextmanager
    def listening(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        event.listen(self._engine, "before_cursor_execute", self.before)
        event.listen(self._engine, "after_cursor_execute", self.after)
        patch.setattr(self._engine.dialect, "do_commit", self.around(self._engine.dialect.do_commit))
        patch.setattr(row_insert, "_copy", self.around(row_insert._copy))
        yield
        event.remove(self._engine, "before_cursor_execute", self.before)
        event.remove(self._engine, "after_cursor_execute", self.after)


@pytest.mark.parametrize("lines", [1, COPY_ROWS + 1])
def test_every_statement_fails_both_ways(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.01)
    settings = make_log(tmp_path / "data", database_url)
    told, tried, refused = Told.of(settings), 0, 0
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Faults").case
        faulty = Faulty(ledger)

        def submit(key: int) -> None:
            said = [statement(key * 100 + line) for line in range(lines)]
            answered = (
                ledger.anchor_batch(ALICE, case, said, f"k{key}")
                if lines > 1
                else [ledger.anchor(ALICE, case, said[0], None, None, f"k{key}")]
            )
            for line, each in enumerate(answered):
                told.answered(f"{key}.{line}", each)

        with faulty.listening(monkeypatch):
            faulty.arm(0, "lost")
            submit(0)
            statements = faulty.count
            assert statements >= 12
            for at in range(1, statements + 1):
                for way in ("lost", "applied"):
                    tried += 1
                    faulty.arm(at, way)
                    for _ in range(500):
                        try:
                            submit(tried)
                            break
                        except UnavailableError as error:
                            assert error.retry_after > 0
                            refused += 1
                            time.sleep(0.01)
                    assert f"{tried}.0" in told.answers, f"statement {at} {way}: never answered"
                    assert faulty.count >= at, "not met"
            faulty.arm(0, "lost")
    assert refused >= statements  # most of them were noticed
    held = check_told(settings, told)
    assert held.lengths[case] == 1 + (tried + 1) * lines == 1 + len(told.answers)
    assert list(fsck(settings)) == []
