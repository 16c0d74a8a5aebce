"""One changed value in a column that follows from the log, or one flipped byte in any file: it is found, and named."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Integer, LargeBinary, Table

from ledger.config import Settings
from ledger.errors import LedgerError
from ledger.store import schema
from ledger.upkeep.finding import Finding
from ledger.upkeep.fsck import fsck
from tests.ledger.making import ALICE, JUDGE, Attacker, Copies, anchor_file, opened, statement
from tests.ledger.upkeep.test_rebuild import busy_log

# Known gaps (docs/fsck.md): these are in no entry, so nothing tells what they were.
UNDERIVED = {"idempotency", "access_codes", "standing_attempts"}
UNDERIVED_COLUMNS = {("timestamps", "authority"), ("published", "id")}

UNIQUE = {"idx", "seq", "size", "level", "target"}

NAMED = {
    "log_head": r"head|database", "published": r"published", "chains": r"chain |table chains", "tiles": r"tile ",
    "entries": r"entry |entries |tile |database", "checkpoints": r"checkpoint|published|database|entry ",
    "openings": r"entry |table openings", "cases": r"case |table cases", "members": r"case |table members",
    "evidence": r"entry |table evidence|file of entry", "timestamps": r"entry |table timestamps",
    "erasures": r"entry |table erasures",
}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A log in which everything has happened: casework, an erasure, a token, a full tile, a file."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    settings = busy_log(tmp_path_factory.mktemp("original") / "data", url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Erased").case
        ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
        number = anchor_file(ledger, case, b"to be erased", said=b'{"metadata":{"author":"X"}}').number
        ledger.erase(JUDGE, number, ["declared.author"], "order 1")
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(260)], None)
        ledger.start()
        for _ in range(200):
            if ledger._timestamping.status()[0].last_index is not None:
                break
            threading.Event().wait(0.05)
    return settings


@pytest.fixture
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    made = Copies(lambda: request.getfixturevalue("postgres_server"))
    yield made
    made.drop()


@pytest.fixture
def settings(original: Settings, copies: Copies, tmp_path: Path) -> Settings:
    return copies.log(original, tmp_path / "data")


def flipped(value: Any) -> Any:
    """The least change of a value."""
    match value:
        case bool():
            return not value
        case int():
            return value ^ 1
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        case bytes() | memoryview():
            data = bytes(value)
            return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    raise AssertionError(f"no change is known for a {type(value).__name__}")


def findings(settings: Settings) -> list[Finding]:
    try:
        return list(fsck(settings))
    except LedgerError as error:  # nothing can be opened at all: it says so, and the exit status is 1
        return [Finding(error.where or "database", error.what)]


def columns() -> list[tuple[str, str]]:
    tables = [table for table in schema.metadata.sorted_tables if table.name not in UNDERIVED]
    every = [(table.name, column.name) for table in tables for column in table.columns]
    return [each for each in every if each not in UNDERIVED_COLUMNS]


def rows_of(attacker: Attacker, table: Table, column: str) -> list[dict[str, Any]]:
    with attacker._engine.connect() as connection:
        found = connection.execute(table.select().where(table.c[column].is_not(None))).mappings().all()
    return [dict(row) for row in found]


def change(attacker: Attacker, table: Table, row: dict[str, Any], column: str, value: Any) -> None:
    mine = [each == row[each.name] for each in table.primary_key.columns]
    with attacker._engine.begin() as connection:
        assert connection.execute(table.update().where(*mine).values({column: value})).rowcount == 1


def test_every_column_that_follows_from_the_log(settings: Settings) -> None:
    assert findings(settings) == []
    silent, unnamed = [], []
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        for name, column in columns():
            table = schema.metadata.tables[name]
            rows = rows_of(attacker, table, column)
            assert rows, f"no row to change in {name}.{column}"
            row = rows[len(rows) // 2]
            new = flipped(row[column])
            if name != "log_head" and column in UNIQUE and isinstance(new, int):
                new = row[column] + 5_000  # any other may belong to a row that is there
            change(attacker, table, row, column, new)
            found = findings(settings)
            if not found:
                silent.append((name, column))
            elif not any(re.match(NAMED.get(name, f"table {name}|entry "), each.where) for each in found):
                unnamed.append((name, column, found[0]))
            change(attacker, table, row | {column: new}, column, row[column])
        assert findings(settings) == []
    assert (silent, unnamed) == ([], [])


@pytest.mark.parametrize("original", ["sqlite"], indirect=True)
def test_a_text_where_bytes_belong(settings: Settings) -> None:
    """SQLite keeps any type in any column: the bytes are the same, and whoever reads them breaks."""
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        for name, column in columns():
            table = schema.metadata.tables[name]
            if not isinstance(table.c[column].type, LargeBinary) or name == "log_head":
                continue
            where = f"rowid = (SELECT max(rowid) FROM {name} WHERE {column} IS NOT NULL)"  # noqa: S608
            before = attacker.value(f"SELECT {column} FROM {name} WHERE {where}")  # noqa: S608
            rowid = attacker.value(f"SELECT rowid FROM {name} WHERE {where}")  # noqa: S608
            attacker.execute(f"UPDATE {name} SET {column} = 'text' WHERE rowid = {rowid}")  # noqa: S608
            assert findings(settings), (name, column)
            attacker.execute(f"UPDATE {name} SET {column} = :value WHERE rowid = {rowid}", {"value": before})  # noqa: S608
        assert findings(settings) == []


def test_kinds_of_columns_are_all_known() -> None:
    """So that a column that comes later is flipped, or stands among the gaps."""
    for name, column in columns():
        kind = schema.metadata.tables[name].c[column].type
        assert isinstance(kind, Boolean | Integer | LargeBinary) or kind.python_type in (str, int), (name, column)
    assert schema.metadata.tables.keys() >= UNDERIVED


def files_of(settings: Settings) -> list[Path]:
    return sorted(path for path in settings.data.rglob("*") if path.is_file() and path.stat().st_size)


def test_every_file_beside_the_database(settings: Settings) -> None:
    """Blobs, keys, the kept checkpoint: a byte in the middle of what is read."""
    quiet = []
    for path in files_of(settings):
        if path.name.startswith(("ledger.db", "config.toml")) or path.suffix in (".lock", ".pem"):
            continue
        whole = path.read_bytes()
        path.chmod(0o600)
        at = 300 if path.name == "kept-checkpoint" else len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = findings(settings)
        if not found:
            quiet.append(path.relative_to(settings.data))
        elif path.is_relative_to(settings.blobs) or path.name == "kept-checkpoint":
            assert any(path.name in each.where for each in found), (path, found)
        path.write_bytes(whole)
    assert quiet == []
    assert findings(settings) == []


@pytest.mark.parametrize("original", ["sqlite"], indirect=True)
def test_any_byte_of_the_database_s_file_is_named_or_changes_nothing(settings: Settings) -> None:
    """Also where nobody knows what a byte is for: free space in pages is the one place that stays silent."""
    path = settings.data / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole, before = path.read_bytes(), dump(path)
    for at in range(50, len(whole), len(whole) // 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        if not findings(settings):
            assert dump(path) == before, f"byte {at} changed something, and nothing was said"
    path.write_bytes(whole)
    assert findings(settings) == []


def dump(path: Path) -> Any:
    """All that the tables say, but what no entry tells."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            wanted = [name for name in schema.metadata.tables if name not in UNDERIVED | {"timestamps"}]
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in wanted}  # noqa: S608
    except sqlite3.Error as error:
        return error


@pytest.fixture
def erased_entry(settings: Settings) -> Callable[[], int]:
    def find() -> int:
        with Attacker(settings.database) as attacker:
            return int(attacker.value("SELECT entry FROM erasures"))

    return find


def test_openings_put_back_after_their_erasure(
    settings: Settings, copies: Copies, tmp_path: Path, erased_entry: Callable[[], int]
) -> None:
    """Whoever kept a copy puts the erased values back, with the secret that opens them."""
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Put back").case
        ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
        index = anchor_file(ledger, case, b"kept", said=b'{"metadata":{"author":"X"}}').index
        number = f"{index}"
    with Attacker(settings.database) as attacker:
        kept = attacker.value("SELECT secret FROM openings WHERE idx = :index", {"index": index})
        fields = attacker.value("SELECT fields FROM openings WHERE idx = :index", {"index": index})
    with opened(settings) as ledger:
        receipt = next(each.number for each in ledger.timeline(ALICE, case, 0, 10) if each.kind == "evidence.anchored")
        ledger.erase(JUDGE, receipt, ["declared.author"], "order 2")
    assert findings(settings) == []
    with Attacker(settings.database) as attacker:
        attacker.execute(
            "UPDATE openings SET secret = :secret, fields = :fields, kept = NULL WHERE idx = :index",
            {"secret": kept, "fields": fields, "index": index},
        )
    what = "its erasure is recorded as finished, and openings are here: declared.author"
    assert Finding(f"entry {number}", what) in findings(settings)


def test_a_copy_without_its_blobs_names_each(settings: Settings) -> None:
    shutil.rmtree(settings.blobs)
    settings.blobs.mkdir()
    assert {each.what for each in findings(settings)} == {"it is missing"}
