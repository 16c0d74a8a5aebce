"""What `doctor` says of a ledger: each thing that an operator left as it must not be is named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli.operator.backups import make_account_tables
from ledger.config import Settings
from ledger.keys.key_folder import MLDSA44_FILE
from ledger.upkeep import checkup
from ledger.upkeep.backup import back_up
from ledger.upkeep.checkup import check_up
from ledger.upkeep.overview import overview
from tests.ledger.making import ALICE, MovedClock, make_log, opened

DAY_MS = 24 * 3_600 * 1_000


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return make_log(tmp_path / "data", database_url)


def told(settings: Settings, clock: MovedClock | None = None) -> dict[str, tuple[str, str]]:
    """By subject: outcome and detail."""
    return {each.subject: (each.outcome, each.detail) for each in check_up(settings, clock or MovedClock())}


def failed(settings: Settings) -> dict[str, str]:
    return {subject: detail for subject, (outcome, detail) in told(settings).items() if outcome == "failed"}


def test_a_ledger_as_it_should_be(settings: Settings) -> None:
    found = told(settings)
    assert failed(settings) == {}
    assert found["keys"] == ("ok", "readable for this account alone")
    assert found["backup"][0] == "missing"
    assert found["kept checkpoint"][1].startswith("size 1, in ")
    outcome, database = found["database"]
    if settings.embedded:
        assert "journal_mode=wal, synchronous=FULL" in database and "standby" not in found
        assert "what rolls one back rolls back both" in found["kept checkpoint"][1]
    else:
        assert "fsync=on, synchronous_commit=on, full_page_writes=on" in database
        assert found["standby"] == ("missing", "none: an acknowledged entry is on one machine only")
    assert outcome == "ok"


def test_a_required_standby_that_nobody_named(settings: Settings) -> None:
    if not settings.embedded:
        said = failed(replace(settings, synchronous_standby=True))["standby"]
        assert said.startswith("required by synchronous_standby, and commits wait for none; none: an acknowledged")


def test_a_key_that_others_can_read(settings: Settings) -> None:
    key = settings.data / "keys" / MLDSA44_FILE
    key.chmod(0o640)
    assert failed(settings) == {"keys": f"open to other accounts of this machine: {MLDSA44_FILE}; chmod go= them"}
    key.unlink()
    assert "read a key" in failed(settings)["keys"]


def test_a_lost_kept_checkpoint(settings: Settings) -> None:
    (settings.kept / "kept-checkpoint").unlink()
    assert "a rollback could not be seen" in failed(settings)["kept checkpoint"]
    assert overview(settings)["kept_size"] is None


def test_a_disk_that_is_nearly_full(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "FREE_BYTES_MIN", 1 << 62)
    assert "the server says that it is not ready" in failed(settings)["space of blobs"]


def test_an_old_backup(settings: Settings, tmp_path: Path) -> None:
    made = back_up(settings, tmp_path / "backup", make_account_tables)
    assert told(settings)["backup"] == ("ok", "0.0 days old, of 1 entries")
    assert told(settings, MovedClock(8 * DAY_MS))["backup"] == ("missing", "8.0 days old, of 1 entries")
    assert overview(settings)["last_backup"] == made.made


def test_a_clock_beside_an_authoritys(settings: Settings) -> None:
    """The embedded authority goes by a right clock, the ledger that records its token by one that is ahead."""
    clock = MovedClock()
    with opened(settings, clock=clock) as ledger:
        ledger.open_case(ALICE, "Time")
        (authority,) = ledger._timestamping._authorities
        ask = authority.ask

        def stamp_then_step(data: bytes) -> object:
            answer = ask(data)
            clock.offset_ms = 60_000
            return answer

        assert ledger._timestamping.ask_if_due(replace(authority, ask=stamp_then_step))  # type: ignore[arg-type]
    (token,) = overview(settings)["tokens"]  # type: ignore[misc]
    assert (token["authority"], token["size"]) == ("development", 2)
    outcome, detail = told(settings)["clock"]
    assert outcome == "failed" and re.search(r"\+6\d\.\d s from development's, which is this machine's own", detail)


def test_a_database_that_is_gone(settings: Settings, tmp_path: Path) -> None:
    gone = replace(settings, database=f"sqlite:///{tmp_path / 'none.db'}")
    assert "there is no such file" in failed(gone)["database"]


def test_a_closed_log_says_so(settings: Settings) -> None:
    assert (overview(settings)["closed"], overview(settings)["problems"]) == (False, [])
    assert overview(replace(settings, closed=True))["closed"] is True
