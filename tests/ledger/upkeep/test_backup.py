"""A backup is one moment of the ledger, checked as it is written; it comes back whole, into either database, or not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from api.auth.accounts import AccountStore
from api.cli.operator.backups import make_account_tables
from ledger.config import CONFIG_FILE, Settings, load_settings
from ledger.entry.receipt_number import format_number
from ledger.errors import (
    ConfigError,
    ConflictError,
    CorruptError,
    LedgerError,
    MalformedError,
    RolledBackError,
    UnavailableError,
)
from ledger.store.engine import open_engine
from ledger.store.sql_store import SqlStore
from ledger.upkeep import backup
from ledger.upkeep.backup import back_up
from ledger.upkeep.backup_folder import LAST_BACKUP, Manifest, read_manifest
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import Restored, restore, restored_settings
from tests.ledger.making import ALICE, BOB, JUDGE, ORIGIN, Attacker, anchor_file, make_log, opened, statement

FILES = (b"the first file", b"", b"x" * 3_000_000)
PASSWORD = "a-password-of-the-database"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A log with files (one of them twice), a full tile and an account. Tests may append to it."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    settings = make_log(tmp_path_factory.mktemp("log") / "data", url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
        for n, data in enumerate((*FILES, FILES[0])):
            anchor_file(ledger, case, data, f"{n}.bin", said=b'{"metadata":{"author":"X"}}')
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(260)], "batch")
    accounts = AccountStore.open(settings.database)
    accounts.add("alice", "party")
    accounts.close()
    return settings


@pytest.fixture
def small(tmp_path: Path) -> tuple[Settings, Path]:
    """A small log with one file, and its backup."""
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        anchor_file(ledger, ledger.open_case(ALICE, "One").case, FILES[0])
    backed_up(settings, tmp_path / "backup")
    return settings, tmp_path / "backup"


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Another, empty database: the default of a new folder, or PostgreSQL."""
    if request.param == "sqlite":
        return None
    server = request.getfixturevalue("postgres_server")
    name = server.create_database()
    request.addfinalizer(lambda: server.drop_database(name))
    return str(server.url(name))


def backed_up(settings: Settings, out: Path) -> Manifest:
    return back_up(settings, out, make_account_tables)


def put_back(source: Path, data: Path, keys: Path | None, **options: object) -> tuple[Settings, Restored]:
    """Restore into the folder `data`, which gets a copy of `keys` first."""
    if keys is not None:
        shutil.copytree(keys, data / "keys")
    accept, closed = options.pop("accept", None), bool(options.pop("closed", False))
    settings = restored_settings(source, data, options, {})
    done = restore(source, settings, make_account_tables, accept_checkpoint=accept, closed=closed)
    return load_settings(data, {"extract": False}, {}), done


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows(database: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in no order; the values in the order of their columns' names."""
    engine = open_engine(database)
    try:
        with engine.connect() as connection:
            metadata = MetaData()
            metadata.reflect(connection)
            columns = {name: sorted(table.columns, key=str) for name, table in metadata.tables.items()}
            tables = {name: connection.execute(select(*named)).all() for name, named in columns.items()}
    finally:
        engine.dispose()
    return {name: sorted((tuple(row) for row in found), key=repr) for name, found in tables.items()}


def test_it_comes_back_whole_in_either_database_and_goes_on(
    settings: Settings, elsewhere: str | None, tmp_path: Path
) -> None:
    made = backed_up(settings, tmp_path / "backup")
    assert (made.origin, made.files, made.bytes) == (ORIGIN, len(set(FILES)), sum(map(len, FILES)))
    assert made.size >= 1 + 2 + 4 + 260
    shutil.copytree(settings.kept, tmp_path / "kept", ignore=lambda _, names: {n for n in names if "kept" not in n})
    back, done = put_back(
        tmp_path / "backup", tmp_path / "back", settings.data / "keys", database=elsewhere, kept=tmp_path / "kept"
    )
    assert done == Restored(ORIGIN, made.size, 0, None)
    assert rows(back.database) == rows(settings.database)
    assert {"accounts", "account_tokens", "entries"} <= rows(back.database).keys()
    assert back.embedded == (elsewhere is None) and back.kept == tmp_path / "kept"
    with opened(back) as ledger:
        (case,) = ledger.cases(ALICE, -1, 10)
        again = anchor_file(ledger, case.case, FILES[1], "again.bin")
        assert again.index == made.size
        replayed = ledger.anchor_batch(ALICE, case.case, [statement(n) for n in range(260)], "batch")
        assert all(each.replayed for each in replayed)
    assert list(fsck(back)) == []


def test_what_is_in_it_and_what_is_not(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, _ = small
    config = settings.data / CONFIG_FILE
    config.write_text(config.read_text() + 'policy = "own-policy"\ntsa_interval = 7\n[limits]\nfile_bytes = 9000000\n')
    with opened(settings) as ledger:
        (settings.data / "own-policy").write_bytes(ledger.trust_files()["policy"])
    settings = load_settings(settings.data, {}, {})
    backed_up(settings, tmp_path / "deep" / "backup")
    out = tmp_path / "deep" / "backup"
    files = content(out)
    names = {name for name in files if not name.startswith("blobs/")}
    assert names == {"backup.json", "SHA256SUMS", "ledger.db", "checkpoint", "config.toml", "policy"}
    assert [files[name] for name in files.keys() - names] == [FILES[0]]
    assert [path.name for path in out.parent.iterdir()] == ["backup"]  # nothing unfinished is left
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (out, *out.rglob("*"))} == {0}
    assert files["config.toml"] == f'origin = "{ORIGIN}"\ntsa_interval = 7\n\n[limits]\nfile_bytes = 9000000\n'.encode()
    assert not any(key in data for data in files.values() for key in content(settings.data / "keys").values())
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=out, check=False)
    assert done.returncode == 0
    assert json.loads((settings.data / LAST_BACKUP).read_bytes())["size"] == read_manifest(out).size


def test_the_databases_password_stays_on_this_machine(tmp_path: Path, postgres_url: str) -> None:
    settings = make_log(tmp_path / "data", postgres_url.replace("postgres@", f"postgres:{PASSWORD}@"))
    assert PASSWORD in (settings.data / CONFIG_FILE).read_text()
    backed_up(settings, tmp_path / "backup")
    assert not any(PASSWORD.encode() in data for data in content(tmp_path / "backup").values())


def test_one_moment_while_others_append(settings: Settings, tmp_path: Path) -> None:
    """Every entry of the backup is whole, with its file, whatever came during it; none of it is missing before the
    size at which it stands.
    """
    stopping, anchored = threading.Event(), 0
    with opened(settings) as ledger:
        case = ledger.cases(ALICE, -1, 10)[0].case

        def append() -> None:
            nonlocal anchored
            while not stopping.is_set():
                anchor_file(ledger, case, b"while it is backed up %d" % anchored)
                anchored += 1

        thread = threading.Thread(target=append)
        thread.start()
        try:
            while anchored < 3:
                stopping.wait(0.01)
            before = ledger.status()["size"]
            made = backed_up(settings, tmp_path / "backup")
            after = ledger.status()["size"]
        finally:
            stopping.set()
            thread.join()
    assert isinstance(before, int) and isinstance(after, int)
    assert before <= made.size < after
    accept = tmp_path / "backup" / "checkpoint"
    back, done = put_back(tmp_path / "backup", tmp_path / "back", settings.data / "keys", accept=accept)
    assert done.size == made.size
    with opened(back):
        pass
    assert list(fsck(back)) == []


def test_a_folder_that_holds_something_is_left_alone(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, out = small
    before = content(out)
    for place in (out, out / "backup.json"):
        with pytest.raises(ConflictError, match="expected a folder that is empty or not there"):
            backed_up(settings, place)
    assert content(out) == before
    (tmp_path / "empty").mkdir()
    backed_up(settings, tmp_path / "empty")


@pytest.mark.parametrize("what", ["an entry", "a file", "a missing file", "a strange table"])
def test_what_is_not_sound_makes_no_backup(small: tuple[Settings, Path], tmp_path: Path, what: str) -> None:
    settings, _ = small
    (blob,) = (path for path in settings.blobs.rglob("*") if path.is_file())
    with Attacker(settings.database) as attacker:
        if what == "an entry":
            attacker.drop_triggers()
            attacker.execute("UPDATE entries SET leaf = x'00' WHERE idx = 1")
        elif what == "a strange table":
            attacker.execute("CREATE TABLE strange (a INTEGER)")
    if what == "a file":
        blob.write_bytes(b"damaged")
    elif what == "a missing file":
        blob.unlink()
    if what == "a strange table":  # a file is copied page by page, with all that is in it
        backed_up(settings, tmp_path / "new")
        return
    with pytest.raises(CorruptError):
        backed_up(settings, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup"}


def test_what_is_erased_meanwhile_is_not_kept(
    small: tuple[Settings, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the database still has the openings, and the file is gone: such a backup is not made."""
    settings, _ = small
    copy = backup.copy_database

    def copy_then_erase(*words: Any) -> None:
        copy(*words)
        with opened(settings) as ledger:
            case = ledger.cases(ALICE, -1, 1)[0].case
            ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
            ledger.erase(JUDGE, format_number(2), ["file"], "Order 1")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(backup, "copy_database", copy_then_erase)
        with pytest.raises(UnavailableError, match="a file was erased meanwhile, begin anew"):
            backed_up(settings, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert backed_up(settings, tmp_path / "new").files == 0


def test_a_strange_table_is_never_left_out_silently(tmp_path: Path, postgres_url: str) -> None:
    settings = make_log(tmp_path / "data", postgres_url)
    with Attacker(settings.database) as attacker:
        attacker.execute("CREATE TABLE strange (a INTEGER)")
    with pytest.raises(ConfigError, match="tables that this program does not know: strange"):
        backed_up(settings, tmp_path / "new")


def damages(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """One act of damage for each file: its middle byte, or all of it."""
    for name, data in content(folder).items():
        path, middle = folder / name, len(data) // 2
        changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        yield f"a flip in {name}", lambda path=path, changed=changed: path.write_bytes(changed)
        yield f"no {name}", path.unlink


def test_a_damaged_backup_is_refused_and_nothing_is_touched(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, out = small
    count = sum(1 for _ in damages(out))
    assert count == 2 * 6
    for at in range(count):
        copy, data = tmp_path / f"copy-{at}", tmp_path / f"target-{at}"
        shutil.copytree(out, copy)
        what, harm = list(damages(copy))[at]
        harm()
        with pytest.raises(LedgerError) as refused:
            put_back(copy, data, settings.data / "keys", accept=out / "checkpoint")
        assert isinstance(refused.value, LedgerError), what
        assert not (data / "ledger.db").exists() and not (data / CONFIG_FILE).exists(), what
        assert not list(data.glob(".restoring-*")), what


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"", "read the backup"),
        (b"[]", "expected a manifest of version 1"),
        (b'{"v":2}', "expected a manifest of version 1"),
        (b'{"v":1}', "expected exactly origin, size"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(
    small: tuple[Settings, Path], tmp_path: Path, manifest: bytes, message: str
) -> None:
    (small[1] / "backup.json").write_bytes(manifest)
    with pytest.raises(MalformedError, match=message):
        put_back(small[1], tmp_path / "back", small[0].data / "keys")


def test_without_keys_or_a_kept_checkpoint_it_is_not_begun(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, out = small
    with pytest.raises(ConfigError, match="read a key"):
        put_back(out, tmp_path / "a", None)
    with pytest.raises(ConfigError, match="no kept checkpoint, so nobody could tell whether entries would be lost"):
        put_back(out, tmp_path / "b", settings.data / "keys")


def test_another_logs_backup_is_refused(small: tuple[Settings, Path], tmp_path: Path) -> None:
    other = make_log(tmp_path / "other", f"sqlite:///{tmp_path / 'other.db'}", origin="other.example/log")
    with pytest.raises(ConfigError, match=r"the backup is of ledger\.example/court, the folder of other\.example/log"):
        put_back(small[1], other.data, None)


def grow(settings: Settings, count: int) -> None:
    with opened(settings) as ledger:
        case = ledger.cases(ALICE, -1, 10)[0].case
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(count)], None)


def test_published_entries_are_not_lost(small: tuple[Settings, Path]) -> None:
    settings, out = small
    grow(settings, 5)
    before = content(settings.data)
    with pytest.raises(RolledBackError, match="has 3 entries, the kept checkpoint has size 8: 5 entries") as refused:
        put_back(out, settings.data, None)
    assert "--closed" in refused.value.what and "--successor-of" in refused.value.what
    sizes = [text.splitlines()[1] for text in refused.value.evidence]
    assert sizes == ["8", "3"]
    after = content(settings.data)
    assert {name for name in before if before[name] != after.get(name)} <= {"ledger.db-wal", "ledger.db-shm"}
    with opened(settings) as ledger:
        assert ledger.status()["size"] == 8


def test_an_accepted_checkpoint_counts_beside_the_kept_one(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, out = small
    newer = tmp_path / "newer"
    grow(settings, 1)
    newer.write_bytes((settings.data / "kept-checkpoint").read_bytes())
    with pytest.raises(RolledBackError, match="the accepted checkpoint has size 4: 1 entries"):
        put_back(out, tmp_path / "back", settings.data / "keys", accept=newer)
    assert not (tmp_path / "back" / "kept-checkpoint").exists()


def test_a_fork_is_no_older_backup(small: tuple[Settings, Path], tmp_path: Path) -> None:
    """The same keys, another past: closing does not make that good either."""
    settings, out = small
    fork = tmp_path / "fork"
    put_back(out, fork, settings.data / "keys", accept=out / "checkpoint")
    grow(load_settings(fork, {"extract": False}, {}), 2)
    backed_up(load_settings(fork, {}, {}), tmp_path / "fork-backup")
    grow(settings, 1)
    for closed in (False, True):
        with pytest.raises(RolledBackError, match="rolled back or forked"):
            put_back(tmp_path / "fork-backup", settings.data, None, closed=closed)


def test_a_leftover_write_ahead_log_is_set_aside(small: tuple[Settings, Path], tmp_path: Path) -> None:
    """SQLite would replay it into the restored file, and serve entries that were never in the backup."""
    settings, out = small
    data = tmp_path / "machine"
    shutil.copytree(settings.data, data, ignore=shutil.ignore_patterns("*.db*"))
    crashed = load_settings(data, {"extract": False}, {})
    with opened(settings) as ledger:  # what a power cut leaves: a database, and a log beside it
        ledger.open_case(BOB, "Two")
        for end in ("", "-wal", "-shm"):
            shutil.copyfile(f"{settings.database.removeprefix('sqlite:///')}{end}", data / f"ledger.db{end}")
    assert (data / "ledger.db-wal").stat().st_size > 0
    copy = tmp_path / "replayed.db"  # the trap itself: an older file, and the newer log beside it
    for end in ("", "-wal"):
        shutil.copyfile(data / f"ledger.db{end}", f"{copy}{end}")
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (4,)
    connection.close()
    leftover = (data / "ledger.db-wal").read_bytes()
    _, done = put_back(out, data, None)
    assert done.set_aside is not None and (done.set_aside / "ledger.db-wal").read_bytes() == leftover
    assert not (data / "ledger.db-wal").exists() and not (data / "ledger.db-shm").exists()
    store = SqlStore.open(crashed.database)
    assert (store.head().size, store.last_index()) == (3, 2)
    store.close()
    with opened(crashed):
        pass


def test_a_running_server_is_not_restored_over(small: tuple[Settings, Path]) -> None:
    settings, out = small
    with opened(settings), pytest.raises(ConfigError, match="another process writes"):
        put_back(out, settings.data, None)


def test_a_database_that_has_a_log_is_not_restored_over(
    small: tuple[Settings, Path], tmp_path: Path, postgres_url: str
) -> None:
    settings, out = small
    make_log(tmp_path / "other", postgres_url, origin="other.example/log")
    before = rows(postgres_url)
    with pytest.raises(ConfigError, match="it has a log already"):
        put_back(out, tmp_path / "back", settings.data / "keys", accept=out / "checkpoint", database=postgres_url)
    assert rows(postgres_url) == before


def test_settings_that_are_there_stand_and_new_places_are_written(
    small: tuple[Settings, Path], tmp_path: Path, postgres_url: str
) -> None:
    settings, out = small
    back, _ = put_back(out, tmp_path / "back", settings.data / "keys", accept=out / "checkpoint")
    (back.data / CONFIG_FILE).write_text((back.data / CONFIG_FILE).read_text() + "demand_days = 33\n")
    moved, _ = put_back(out, back.data, None, database=postgres_url)
    assert (moved.demand_days, moved.database) == (33, postgres_url)


def test_without_files_they_are_looked_for_where_they_lie(small: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, _ = small
    made = back_up(settings, tmp_path / "thin", make_account_tables, with_files=False)
    assert (made.with_files, made.files) == (False, 0) and not (tmp_path / "thin" / "blobs").exists()
    data = tmp_path / "back"
    with pytest.raises(CorruptError, match="it is missing"):
        put_back(tmp_path / "thin", data, settings.data / "keys", accept=tmp_path / "thin" / "checkpoint")
    shutil.copytree(settings.blobs, data / "blobs", dirs_exist_ok=True)
    back, _ = put_back(tmp_path / "thin", data, None, accept=tmp_path / "thin" / "checkpoint")
    assert list(fsck(replace(back))) == []
