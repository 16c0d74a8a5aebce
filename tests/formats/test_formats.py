"""What an earlier release wrote: opened by this one, checked, appended to, moved to the other database, verified."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from api.auth.accounts import AccountStore
from api.cli.operator.backups import make_account_tables
from ledger.commit.note_slots import newest_note
from ledger.config import Settings, load_settings
from ledger.errors import ConfigError
from ledger.store.engine import open_engine
from ledger.store.sql_store import SqlStore
from ledger.upkeep.backup import back_up
from ledger.upkeep.backup_folder import DATABASE, MANIFEST, SUMS, read_manifest, write_manifest
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore, restored_settings
from ledger.upkeep.upgrade import upgrade
from tests.formats.make_format_1 import BATCH, FILES, SAID
from tests.ledger.making import ALICE, BOB, JUDGE, anchor_file, opened, statement
from verifier.result import Verdict
from verifier.verify import verify

FOLDERS = sorted(Path(__file__).parent.glob("format-*.tar.gz"))


@dataclass(frozen=True)
class Earlier:
    """A folder of an earlier format, unpacked; `told`: what the release that made it said of it."""

    home: Path
    settings: Settings
    told: dict[str, object]


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Earlier:
    """As it was left."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path)  # noqa: S202  (our own archive; Python 3.11.2 has no filters)
    settings = load_settings(tmp_path / "data", {"extract": False}, {})
    return Earlier(tmp_path, settings, json.loads((tmp_path / "told.json").read_text()))


@pytest.fixture
def earlier(unpacked: Earlier) -> Earlier:
    """Upgraded."""
    upgrade(unpacked.settings)
    return unpacked


@pytest.fixture
def on_postgresql(earlier: Earlier, postgres_url: str) -> Settings:
    """The same ledger, moved by backup and restore."""
    back_up(earlier.settings, earlier.home / "backup", make_account_tables)
    return restored(earlier, postgres_url)


def restored(earlier: Earlier, database: str) -> Settings:
    """The backup in `home`, restored into another folder and this database."""
    data = earlier.home / "moved"
    data.mkdir()
    shutil.copytree(earlier.settings.data / "keys", data / "keys")
    shutil.copyfile(earlier.settings.data / "kept-checkpoint", data / "kept-checkpoint")
    settings = restored_settings(earlier.home / "backup", data, {"database": database}, {})
    restore(earlier.home / "backup", settings, make_account_tables)
    return load_settings(data, {"extract": False}, {})


def backed_up_then(unpacked: Earlier) -> Path:
    """The backup that the earlier release made: this one's, with the database as it was before the upgrade."""
    before, folder = (unpacked.settings.data / DATABASE).read_bytes(), unpacked.home / "backup"
    upgrade(unpacked.settings)
    back_up(unpacked.settings, folder, make_account_tables)
    (folder / DATABASE).write_bytes(before)
    sums = re.sub(r"[0-9a-f]{64}(?=  ledger\.db\n)", sha256(before).hexdigest(), (folder / SUMS).read_text())
    (folder / SUMS).write_text(sums)
    manifest = replace(read_manifest(folder), tables="0001", sums=sha256(sums.encode()).hexdigest())
    (folder / MANIFEST).unlink()
    write_manifest(folder, manifest)
    return folder


def use(settings: Settings, told: dict[str, object]) -> None:
    """Everything that the earlier release did is still there, and the log goes on."""
    assert list(fsck(settings)) == []
    numbers, case = told["numbers"], str(told["case"])
    assert isinstance(numbers, dict)
    with opened(settings) as ledger:
        assert (ledger.status()["size"], ledger.status()["root"]) == (told["size"], told["root"])
        for name, data in FILES.items():
            view = ledger.file(ALICE, numbers[name])
            with view.stream as stream:
                assert stream.read() == data
        assert ledger.evidence(BOB, numbers["contract.txt"]).opened["declared.author"] == "А. Серікова"
        assert "declared.place" not in ledger.evidence(JUDGE, numbers["photo.jpg"]).opened
        repeated = anchor_file(ledger, case, FILES["contract.txt"], "contract.txt", SAID, key="contract.txt")
        assert (repeated.replayed, repeated.number) == (True, numbers["contract.txt"])
        again = ledger.anchor_batch(ALICE, case, [statement(n) for n in range(BATCH)], "batch")
        assert all(each.replayed for each in again)
        assert anchor_file(ledger, case, b"new", "new.txt").index == told["size"]
    assert list(fsck(settings)) == []
    accounts = AccountStore.open(settings.database)
    assert {(each.name, each.role) for each in accounts.accounts()} == {(a.name, a.role) for a in (ALICE, BOB, JUDGE)}
    accounts.close()


def test_it_serves_the_checkpoint_that_it_served(unpacked: Earlier) -> None:
    """Of format 1, every note has a row, and the newest one is served; all of them stay."""
    with closing(sqlite3.connect(unpacked.settings.data / "ledger.db")) as database:
        notes = database.execute("SELECT size, note FROM checkpoints ORDER BY size").fetchall()
    assert len(notes) > 10 and notes[-1][0] == unpacked.told["size"]
    with pytest.raises(ConfigError, match="make a backup, then run `evidence-ledger upgrade`"):
        SqlStore.open(unpacked.settings.database)
    upgrade(unpacked.settings)
    store = SqlStore.open(unpacked.settings.database)
    assert store.published() == store.newest_checkpoint() == notes[-1]
    assert list(store.checkpoints()) == notes
    store.close()
    assert newest_note((unpacked.settings.kept / "kept-checkpoint").read_bytes()) == notes[-1][1]
    with opened(unpacked.settings) as ledger:
        assert ledger.checkpoint() == notes[-1][1]


def test_it_is_opened_checked_and_goes_on(earlier: Earlier) -> None:
    use(earlier.settings, earlier.told)


def test_it_moves_to_postgresql_and_goes_on(earlier: Earlier, on_postgresql: Settings) -> None:
    use(on_postgresql, earlier.told)


def test_a_backup_made_then_is_restored_now(unpacked: Earlier, database_url: str) -> None:
    """Whoever has nothing else left needs no earlier release; the backup stays as it was, for that release."""
    folder = backed_up_then(unpacked)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?immutable=1", uri=True)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    use(restored(unpacked, database_url), unpacked.told)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_its_tables_are_those_of_a_new_log(earlier: Earlier, sqlite_url: str) -> None:
    """A step that brings an old log somewhere else than `init` brings a new one would be found too late."""
    SqlStore.create(sqlite_url).close()
    make_account_tables(sqlite_url)
    assert tables(earlier.settings.database) == tables(sqlite_url)


def tables(database: str) -> dict[str, object]:
    engine = open_engine(database)
    metadata = MetaData()
    metadata.reflect(engine)
    engine.dispose()
    return {
        name: (
            [(column.name, str(column.type), column.nullable, column.primary_key) for column in table.columns],
            sorted((str(index.name), [column.name for column in index.columns]) for index in table.indexes),
        )
        for name, table in metadata.tables.items()
    }


@pytest.mark.parametrize("what", ["receipt.json", "evidence.zip"])
def test_what_people_took_away_is_verified(earlier: Earlier, what: str) -> None:
    taken = sorted((earlier.home / "held").glob(f"*.{what}"))
    assert len(taken) == 2
    numbers = earlier.told["numbers"]
    assert isinstance(numbers, dict)
    names = {number: name for name, number in numbers.items()}
    for path in taken:
        data = FILES[names[path.name.removesuffix(f".{what}")]]
        for brought, expected in ((data, Verdict.VERIFIED), (data + b"!", Verdict.NOT_VERIFIED)):
            (earlier.home / "at-hand").write_bytes(brought)
            result = verify(path, earlier.home / "trust", file=earlier.home / "at-hand")
            assert result.verdict == expected, result
