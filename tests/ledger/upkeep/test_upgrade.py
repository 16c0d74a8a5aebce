"""From one version of the tables to the next: all steps or none, by `upgrade` alone, with everybody else stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from ledger.config import Settings
from ledger.errors import ConfigError, UnavailableError
from ledger.store import sql_store
from ledger.store.sql_store import MIGRATIONS, SqlStore
from ledger.upkeep.fsck import fsck
from ledger.upkeep.upgrade import Upgraded, upgrade
from tests.ledger.making import ALICE, Attacker, anchor_file, make_log, opened

# Two steps that only these tests know: a table, and then a column with a value for every row that is there.
STEPS = {
    "v9001_table.py": """
revision, down_revision = "9001", "{head}"

def upgrade():
    op.create_table("test_only", sa.Column("id", sa.Integer(), primary_key=True))
""",
    "v9002_column.py": """
revision, down_revision = "9002", "9001"

def upgrade():
    op.add_column("cases", sa.Column("court", sa.String(16), nullable=False, server_default="none"))
""",
    "v9003_failing.py": """
revision, down_revision = "9003", "9002"

def upgrade():
    op.create_table("test_only_too", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("SELECT no_such_column FROM cases")
""",
}
HEAD = str(ScriptDirectory.from_config(sql_store._alembic()).get_current_head())


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """A log as this release makes it, with a case and a file."""
    settings = make_log(tmp_path / "data", database_url)
    with opened(settings) as ledger:
        anchor_file(ledger, ledger.open_case(ALICE, "One").case)
    return settings


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This program with the first two steps of a release to come: the folder of its steps."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in list(STEPS)[:2]:
        add_step(folder, name)
    monkeypatch.setattr(sql_store, "MIGRATIONS", folder)
    yield folder


def add_step(folder: Path, name: str) -> None:
    text = "import sqlalchemy as sa\nfrom alembic import op\n" + STEPS[name].format(head=HEAD)
    (folder / "versions" / name).write_text(text)


def columns(settings: Settings) -> list[object]:
    with Attacker(settings.database) as database:
        return [database.value("SELECT count(*) FROM test_only"), database.value("SELECT min(court) FROM cases")]


def test_an_older_log_is_refused_upgraded_and_goes_on(settings: Settings, next_release: Path) -> None:
    with pytest.raises(ConfigError, match=f"of version {HEAD}, this program needs 9002: make a backup, then run"):
        SqlStore.open(settings.database)
    assert upgrade(settings) == Upgraded(HEAD, "9002")
    assert columns(settings) == [0, "none"]
    assert upgrade(settings) == Upgraded("9002", "9002")
    with opened(settings) as ledger:
        case = ledger.cases(ALICE, -1, 1)[0].case
        assert anchor_file(ledger, case).index == 3
    assert list(fsck(settings)) == []


def test_a_newer_log_is_refused_by_both(
    settings: Settings, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(settings)
    monkeypatch.setattr(sql_store, "MIGRATIONS", MIGRATIONS)
    for act in (lambda: SqlStore.open(settings.database), lambda: upgrade(settings)):
        with pytest.raises(ConfigError, match=f"version 9002, made by a newer release; .* up to {HEAD}: run the newer"):
            act()


def test_all_steps_or_none(settings: Settings, next_release: Path) -> None:
    add_step(next_release, "v9003_failing.py")
    with pytest.raises(UnavailableError, match="upgrade the tables"):
        upgrade(settings)
    with Attacker(settings.database) as database:
        assert database.value("SELECT version_num FROM alembic_version") == HEAD
        for table in ("test_only", "test_only_too"):
            with pytest.raises(Exception, match=table):
                database.value(f"SELECT count(*) FROM {table}")  # noqa: S608 (names of our own)
    (next_release / "versions" / "v9003_failing.py").unlink()
    assert upgrade(settings) == Upgraded(HEAD, "9002")


def test_nobody_may_be_at_work_meanwhile(
    settings: Settings, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(sql_store, "MIGRATIONS", MIGRATIONS)
        running = opened(settings)
        running.__enter__()
    try:
        message = "another process writes" if settings.embedded else "other connections of this role are open"
        with pytest.raises(ConfigError, match=message):
            upgrade(settings)
    finally:
        running.__exit__(None, None, None)
    assert upgrade(settings) == Upgraded(HEAD, "9002")


def test_the_note_that_is_served_gets_its_own_row(database_url: str) -> None:
    """From the first version of the tables to the second, on either database."""
    SqlStore.create(database_url, "0001").close()
    notes = [(size, b"text %d\n\n" % size + bytes(9_000)) for size in (0, 1, 256, 257)]
    with Attacker(database_url) as database:
        for size, note in notes:
            database.execute("INSERT INTO checkpoints VALUES (:size, :note)", {"size": size, "note": note})
        database.execute("INSERT INTO published VALUES (1, 256)")
    assert SqlStore.upgrade(database_url)[0] == "0001"
    store = SqlStore.open(database_url)
    assert store.published() == notes[2]
    assert list(store.checkpoints()) == notes
    assert store.newest_checkpoint() == notes[3]
    store.save_checkpoint(258, notes[3][1])
    assert store.published() == (258, notes[3][1])
    store.close()


def test_where_there_is_no_log_there_is_nothing_to_upgrade(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        upgrade(replace(settings, database=f"sqlite:///{tmp_path / 'none.db'}"))
