"""Erasure of a file that a retention lock keeps: all but its bytes is gone at once, and those follow when they may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.blobs.opening import open_blobs
from ledger.config import Settings
from ledger.errors import ErasedError
from ledger.upkeep.fsck import fsck
from ledger.upkeep.overview import overview
from tests.ledger.casework.parties import anchor_photo, open_case
from tests.ledger.making import ALICE, JUDGE, make_log, opened
from tests.object_store import ObjectStore

ORDER = "order 5 of the district court, 21 November 2026"


def test_an_erasure_is_recorded_and_done_and_says_how_long_the_bytes_stay(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    settings = make_log(tmp_path / "data", blobs=object_store.url("&retain_days=30", locks=True))
    with opened(settings) as ledger:
        number = anchor_photo(ledger, open_case(ledger))
        digest = bytes.fromhex(str(ledger.evidence(ALICE, number).opened["file.sha256"]))
        erased = ledger.erase(JUDGE, number, "all", ORDER)
        day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        assert "file" in erased.fields
        assert erased.unfinished is not None and f"their retention ends on {day}" in erased.unfinished
        with pytest.raises(ErasedError):
            ledger.file(JUDGE, number)
        assert ledger.evidence(ALICE, number).opened == {}
        # It is done as far as the ledger can do it: nothing is tried again each minute for years.
        assert list(ledger._store.unfinished_erasures()) == []
        assert ledger._erasing.finish_all() == 0
    assert list(fsck(settings)) == []
    found = overview(settings)
    assert (found["retained_files"], found["next_retention_end"]) == (1, day)
    blobs = open_blobs(settings)
    assert [each.sha256 for each in blobs.retained()] == [digest]
    assert not blobs.exists(digest)
    blobs.close()


def test_without_a_lock_nothing_stays(object_store: ObjectStore, tmp_path: Path) -> None:
    settings: Settings = make_log(tmp_path / "data", blobs=object_store.url(locks=True))
    with opened(settings) as ledger:
        number = anchor_photo(ledger, open_case(ledger))
        assert ledger.erase(JUDGE, number, "all", ORDER).unfinished is None
    assert list(fsck(settings)) == []
    assert overview(settings)["retained_files"] == 0
