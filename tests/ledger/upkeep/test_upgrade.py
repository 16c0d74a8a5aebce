"""From one version of the tables to the next: all steps or none, by `upgrade` alone, with everybody else stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.config import Settings
from ledger.errors import ConfigError, UnavailableError
from ledger.store import sql_store
from ledger.store.engine import open_engine
from ledger.store.log_rows import EntryRow, EvidenceRow
from ledger.store.sql_store import MIGRATIONS, SqlStore
from ledger.upkeep.fsck import fsck
from ledger.upkeep.upgrade import Upgraded, upgrade
from tests.ledger.making import ALICE, Attacker, anchor_file, make_log, opened
from tests.postgres import PostgresServer

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
    words = "import sqlalchemy as sa\nfrom alembic import op\n" + STEPS[name].format(head=HEAD)
    (folder / "versions" / name).write_text(words)


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


CHAIN, OTHER = b"\x00\x27" + bytes(range(200, 214)), b"\x00\x27" + bytes(range(14))
LIKE, HELD = (bytes([first, 0, 0x27, 0xFF]) + bytes(28) for first in (0, 0x80))
ENTRIES = "INSERT INTO entries (idx, chain, seq, kind, leaf) VALUES (:idx, :chain, :seq, :kind, :leaf)"
EVIDENCE = (
    "INSERT INTO evidence (idx, chain, account, sha256, size, stored) "
    "VALUES (:idx, :chain, :account, :sha256, :size, :stored)"
)


@pytest.fixture(params=["0001", "0002"])
def wide(request: pytest.FixtureRequest, database_url: str) -> str:
    """A database of an earlier version: a case's first entry, evidence, erased evidence, and a file of another case."""
    SqlStore.create(database_url, request.param).close()
    with Attacker(database_url) as database:
        kinds = ["case.opened", *["evidence.anchored"] * 3, "case.opened"]
        chains = [CHAIN, CHAIN, CHAIN, OTHER, OTHER]
        for idx, (kind, chain, seq) in enumerate(zip(kinds, chains, [0, 1, 2, 1, 0], strict=True)):
            values = {"idx": idx, "chain": chain, "seq": seq, "kind": kind, "leaf": b"leaf %d" % idx}
            database.execute(ENTRIES, values)
        rows = [
            (1, CHAIN, "alice", LIKE, 5, False),
            (2, CHAIN, "", None, None, False),
            (3, OTHER, "bob", HELD, 6, True),
        ]
        names = ("idx", "chain", "account", "sha256", "size", "stored")
        for row in rows:
            database.execute(EVIDENCE, dict(zip(names, row, strict=True)))
        if not database.sqlite:
            database.execute("GRANT SELECT ON entries TO pg_monitor WITH GRANT OPTION")
            database.execute("GRANT SELECT, UPDATE ON evidence TO PUBLIC")
    return database_url


def test_rows_of_an_earlier_version_say_what_they_said(wide: str) -> None:
    SqlStore.upgrade(wide)
    store = SqlStore.open(wide)
    opened, anchored = "case.opened", "evidence.anchored"
    assert [store.entry(n) for n in range(5)] == [
        EntryRow(0, CHAIN.hex(), 0, opened, b"leaf 0"), EntryRow(1, CHAIN.hex(), 1, anchored, b"leaf 1"),
        EntryRow(2, CHAIN.hex(), 2, anchored, b"leaf 2"), EntryRow(3, OTHER.hex(), 1, anchored, b"leaf 3"),
        EntryRow(4, OTHER.hex(), 0, opened, b"leaf 4"),
    ]  # fmt: skip
    assert [row.index for row in store.chain_entries(OTHER.hex(), 0, 9)] == [4, 3]
    rows = [
        EvidenceRow(1, CHAIN.hex(), "alice", LIKE, 5, False), EvidenceRow(2, CHAIN.hex(), "", None, None, False),
        EvidenceRow(3, OTHER.hex(), "bob", HELD, 6, True),
    ]  # fmt: skip
    assert list(store.stored_evidence()) == rows
    assert store.evidence_like(CHAIN.hex(), LIKE, 9) == rows[:1] and store.evidence_like(OTHER.hex(), LIKE, 9) == []
    assert (store.stored_like(HELD), store.stored_like(LIKE)) == (True, False)
    again = EntryRow(9, CHAIN.hex(), 2, opened, b"leaf 9")
    with pytest.raises(UnavailableError, match="write to the log"), store.writing() as writer:
        writer.append([again], [], [], [])
    with store.writing() as writer:
        writer.append([again._replace(seq=3)], [], [], [])
    store.close()


def test_the_tables_are_a_new_log_s_and_rights_stay(
    wide: str, sqlite_url: str, postgres_server: PostgresServer
) -> None:
    SqlStore.upgrade(wide)
    if wide.startswith("sqlite"):
        assert catalogue(wide) == catalogue(f"{sqlite_url}.new", make=True)
        return
    new = postgres_server.create_database()
    made = catalogue(postgres_server.url(new), make=True)
    postgres_server.drop_database(new)
    assert catalogue(wide) == made
    assert ("evidence", "mark", "bytea", False, 0) in made and ("openings", "secret", "bytea", False, 0) in made
    with Attacker(wide) as database:
        for role, right, table, expected in (
            ("pg_monitor", "SELECT WITH GRANT OPTION", "entries", True), ("pg_monitor", "INSERT", "entries", False),
            ("pg_monitor", "UPDATE", "evidence", True), ("pg_monitor", "DELETE", "evidence", False),
        ):  # fmt: skip
            asked = {"role": role, "right": right, "of": table}
            assert database.value(HAS_RIGHT, asked) is expected
        for act in ("UPDATE entries SET seq = 9", "DELETE FROM entries", "TRUNCATE entries"):
            with pytest.raises(DBAPIError, match="entries is append-only"):
                database.execute(act)


def test_a_step_that_breaks_off_in_the_middle_leaves_all_as_it_was(wide: str) -> None:
    with Attacker(wide) as database:
        database.execute("CREATE TABLE evidence_0002 (idx INTEGER)")  # where the old rows are to be put aside
    before = catalogue(wide)
    with pytest.raises(UnavailableError, match=r"upgrade the tables: .*evidence_0002"):
        SqlStore.upgrade(wide)
    assert catalogue(wide) == before
    with Attacker(wide) as database:
        assert database.value("SELECT count(*) FROM entries WHERE kind = ''") == 0
        database.execute("DROP TABLE evidence_0002")
    SqlStore.upgrade(wide)
    SqlStore.open(wide).close()


STANDING = {
    "policy seen, row-level security": (
        "ALTER TABLE entries ENABLE ROW LEVEL SECURITY", "CREATE POLICY seen ON entries TO pg_monitor USING (idx < 2)",
    ),
    "publication copied": ("CREATE PUBLICATION copied FOR TABLE entries",),
    "trigger told": (
        "CREATE TRIGGER told BEFORE INSERT ON evidence FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()",
    ),
    "rights on column idx, rights on column leaf": ("GRANT SELECT (idx, leaf) ON entries TO pg_monitor",),
}  # fmt: skip


@pytest.mark.parametrize("what", STANDING)
def test_what_would_go_unseen_with_a_table_stops_the_upgrade(postgres_url: str, what: str) -> None:
    SqlStore.create(postgres_url, "0002").close()
    with Attacker(postgres_url) as database:
        for statement in STANDING[what]:
            database.execute(statement)
    before = catalogue(postgres_url)
    with pytest.raises(ConfigError, match=f"drop first what stands on (entries|evidence), .*: {what}$"):
        SqlStore.upgrade(postgres_url)
    assert catalogue(postgres_url) == before


def test_rights_that_the_owner_took_from_himself_do_not_come_back(postgres_url: str) -> None:
    SqlStore.create(postgres_url, "0002").close()
    with Attacker(postgres_url) as database:
        database.execute("REVOKE UPDATE, TRIGGER ON entries FROM CURRENT_USER")
        before = database.value(RIGHTS)
    SqlStore.upgrade(postgres_url)
    with Attacker(postgres_url) as database:
        assert database.value(RIGHTS) == before


RIGHTS = "SELECT string_agg(CAST(a AS text), ' ' ORDER BY CAST(a AS text)) FROM pg_class c, aclexplode(relacl) a "
RIGHTS += "WHERE c.oid = CAST('entries' AS regclass)"
HAS_RIGHT = "SELECT has_table_privilege(CAST(:role AS name), CAST(:of AS text), CAST(:right AS text))"


def catalogue(database: str, *, make: bool = False) -> list[tuple[object, ...]]:
    """Columns, indexes and triggers, as the database itself tells them."""
    if make:
        SqlStore.create(database).close()
    engine = open_engine(database)
    try:
        with engine.connect() as connection:
            return sorted(
                (tuple(row) for said in CATALOGUE[engine.dialect.name] for row in connection.execute(text(said))),
                key=repr,
            )
    finally:
        engine.dispose()


CATALOGUE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master"],
    "postgresql": [
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "coalesce(a.attstattarget, -1) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = 'public'::regnamespace",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    ],
}


def test_where_there_is_no_log_there_is_nothing_to_upgrade(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        upgrade(replace(settings, database=f"sqlite:///{tmp_path / 'none.db'}"))
