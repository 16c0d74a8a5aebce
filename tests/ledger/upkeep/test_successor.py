"""What a successor says of the log before it: its last checkpoint under its own keys, and how much of it is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.commit.kept_checkpoint import FILE_NAME
from ledger.config import CONFIG_FILE, Settings
from ledger.errors import ConfigError
from ledger.note.checkpoint import check_checkpoint
from ledger.store.sql_store import SqlStore
from ledger.upkeep.successor import read_predecessor
from tests.ledger.making import ALICE, ORIGIN, make_log, opened, signer_of

ANOTHER = "ledger.example/court-2"


@pytest.fixture
def closed(tmp_path: Path) -> Settings:
    """A log of 2 entries, closed by hand."""
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        ledger.open_case(ALICE, "One")
    config = settings.data / CONFIG_FILE
    config.write_text(f"closed = true\n{config.read_text()}")
    return replace(settings, closed=True)


def test_the_last_checkpoint_and_what_is_held(closed: Settings) -> None:
    found = read_predecessor(closed.data, ANOTHER)
    assert found.held == 2
    assert check_checkpoint(found.checkpoint, signer_of(closed).vkeys).size == 2


def test_witnesses_lines_stay_out(closed: Settings) -> None:
    """A hundred of them would not fit into a leaf; the log's own two prove where it ended."""
    store = SqlStore.open(closed.database)
    newest = store.newest_checkpoint()
    store.close()
    assert newest is not None
    line = "— witness.example/w " + "AAAA" * 50 + "\n"
    (closed.kept / FILE_NAME).write_bytes(newest[1] + line.encode() * 20)
    found = read_predecessor(closed.data, ANOTHER)
    assert found.checkpoint == newest[1] and b"witness" not in found.checkpoint


def test_what_cannot_be_succeeded(closed: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="another origin"):
        read_predecessor(closed.data, ORIGIN)
    kept = closed.kept / FILE_NAME
    note = kept.read_bytes()
    kept.unlink()
    with pytest.raises(ConfigError, match="it has no kept checkpoint"):
        read_predecessor(closed.data, ANOTHER)
    other = make_log(tmp_path / "other")
    kept.write_bytes((other.kept / FILE_NAME).read_bytes())
    with pytest.raises(ConfigError, match="its kept checkpoint is not its own"):
        read_predecessor(closed.data, ANOTHER)
    kept.write_bytes(note)
    config = closed.data / CONFIG_FILE
    config.write_text(config.read_text().replace("closed = true\n", ""))
    with pytest.raises(ConfigError, match="it is not closed"):
        read_predecessor(closed.data, ANOTHER)
    with pytest.raises(ConfigError):
        read_predecessor(tmp_path / "nothing", ANOTHER)
