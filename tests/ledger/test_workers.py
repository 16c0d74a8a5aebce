"""The work beside the flow, while the database is away."""

from __future__ import annotations

import logging
import threading

import pytest

from ledger import workers
from ledger.errors import CorruptError, LedgerError, UnavailableError
from ledger.workers import REMEMBER_TILES, remembering_nodes


@pytest.mark.parametrize(
    ("error", "lines"), [(UnavailableError("read the published checkpoint"), 0), (CorruptError("read a tile"), 1)]
)
def test_reading_ahead_goes_on_and_says_nothing_of_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: LedgerError, lines: int
) -> None:
    asked, done = [], threading.Event()

    def remember(tiles: int) -> bool:
        asked.append(tiles)
        if len(asked) == 1:
            raise error
        done.set()
        return False

    monkeypatch.setattr(workers, "REMEMBER_SECONDS", 0.001)
    with caplog.at_level(logging.WARNING):
        work = remembering_nodes(remember)
        work.start()
        assert done.wait(10)
        work.stop()
    assert set(asked) == {REMEMBER_TILES}
    assert len(caplog.records) == lines
