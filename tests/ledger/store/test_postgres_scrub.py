"""An erasure on PostgreSQL: every file of the server is searched, and what keeps the scrub from its end is provoked."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from ledger.assembly import Ledger
from ledger.config import Settings
from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import derive_salt
from ledger.errors import UnavailableError
from ledger.store import postgres_scrub
from ledger.store.postgres_scrub import ERASED_TABLES, PostgresScrub
from ledger.upkeep.fsck import fsck
from tests.conformance.ruin import recover, remains
from tests.ledger.casework.parties import open_case
from tests.ledger.making import ALICE, JUDGE, anchor_file, make_log, opened
from tests.postgres import PostgresServer, running_postgres

ORDER = "order 5 of the district court, 21 November 2026"
PLEAS = ["guilty", "not guilty"]
BLOCK = 8_192


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own: its log is small enough to be read byte by byte."""
    with running_postgres(small_log=True) as found:
        yield found


@dataclass
class Scene:
    """A ledger on PostgreSQL, with evidence that says yes or no, and who somebody is."""

    server: PostgresServer
    database: str
    settings: Settings
    ledger: Ledger
    case: str
    number: str = ""
    needles: dict[str, bytes] = field(default_factory=dict)

    def sql(self, *statements: str) -> Any:
        """Statements of the superuser's; the last one's first value."""
        with psycopg.connect(self.server.dsn(self.database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else row[0]

    def anchor(self, *, track: bool = True) -> None:
        passport = f"N{secrets.token_hex(12)}"
        said = {"metadata": {"plea": "not guilty", "passport": passport, "kept": "stays"}}
        data = b"the record of " + secrets.token_bytes(16)
        key, file = secrets.token_hex(8), (data, "record.txt")
        self.number = anchor_file(self.ledger, self.case, *file, serialise(said), key=key).number
        opening = self.ledger._store.openings([self.index])[self.index]
        assert opening.secret is not None
        bytes_ = {"secret": opening.secret, "digest": sha256(data).digest(), "passport": passport.encode()}
        bytes_ |= {f"salt.{n}": derive_salt(opening.secret, f"declared.{n}") for n in ("plea", "passport")}
        for name, raw in bytes_.items() if track else ():
            for form, data in (("", raw), ("hex ", raw.hex().encode()), ("base64 ", base64.b64encode(raw))):
                self.needles[f"{form}{name} of {self.number}"] = data

    @property
    def index(self) -> int:
        return int(self.number[3:13])

    def erase(self, *names: str) -> str | None:
        return self.ledger.erase(JUDGE, self.number, names or ERASED, ORDER).unfinished

    def found(self, files: Mapping[str, bytes] | None = None) -> set[tuple[str, str]]:
        """Top folder and needle, for each needle that stands in a file of the server, or of these."""
        files = remains(self.server.data) if files is None else files
        return {
            (name.split("/")[0], needle)
            for name, data in files.items()
            for needle, raw in self.needles.items()
            if raw in data
        }


ROWS = "SELECT, INSERT, UPDATE, DELETE"  # ALL has MAINTAIN with it
ERASED = ("declared.plea", "declared.passport", "file.sha256", "file.sha512", "file.size")


@contextmanager
def staged(server: PostgresServer, tmp_path: Path, role: str | None = None) -> Iterator[Scene]:
    database = server.create_database()
    url = server.url(database)
    if role is not None:
        with psycopg.connect(server.dsn(database), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN; ALTER DATABASE {database} OWNER TO {role}")
        url = server.url(database, role)
    settings = make_log(tmp_path / "data", url)
    with opened(settings) as ledger:
        scene = Scene(server, database, settings, ledger, open_case(ledger))
        # As they are: a value inside compressed bytes would be there and not be found.
        for column in ("fields", "kept"):
            scene.sql(f"ALTER TABLE openings ALTER COLUMN {column} SET STORAGE EXTERNAL")
        yield scene
    assert list(fsck(settings)) == []
    server.drop_database(database)


@pytest.fixture
def scene(server: PostgresServer, tmp_path: Path) -> Iterator[Scene]:
    with staged(server, tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TABLE_WAIT_MS": 200, "TABLE_ATTEMPTS": 2, "TABLE_PAUSE_S": 0.1, "SIGHT_WAIT_S": 0.3,
                        "LOG_WAIT_S": 0.3}.items():  # fmt: skip
        monkeypatch.setattr(postgres_scrub, name, value)


@pytest.fixture
def rewrites(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables as they are rewritten."""
    seen: list[str] = []
    rewrite = postgres_scrub._rewrite_table

    def counted(connection: Any, table: str) -> None:
        rewrite(connection, table)
        seen.append(table)

    monkeypatch.setattr(postgres_scrub, "_rewrite_table", counted)
    return seen


def blocks(files: Mapping[str, bytes]) -> set[bytes]:
    return {data[at : at + BLOCK] for data in files.values() for at in range(0, len(data), BLOCK)}


def since(files: Mapping[str, bytes], before: set[bytes]) -> dict[str, bytes]:
    """What was written since: a block that stood there before a secret was drawn does not hold it. Filler neither."""
    parts: dict[str, bytes] = {}
    for name, data in files.items():
        cut = (data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
        fresh = b"".join(block if block not in before else bytes(64) for block in cut)
        parts |= {f"{name} {n}": part for n, part in enumerate(re.split(rb"\0{48,}| {48,}", fresh)) if part}
    return parts


def field_hash(scene: Scene, name: str) -> str:
    view = scene.ledger.evidence(ALICE, scene.number)
    salt = derive_salt(scene.ledger._store.openings([scene.index])[scene.index].secret or b"", name)
    text = f'["{name}","{base64.b64encode(salt).decode()}","{view.opened[name]}"]'
    return sha256(b"\0" + text.encode()).hexdigest()


# --- nothing is left -------------------------------------------------------------------------------------------------


def test_no_file_of_the_server_tells_what_was_erased(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched, and guessed; after a plain VACUUM it is found, and in later backups it is not."""
    scene.sql("VACUUM", "ANALYZE", "CHECKPOINT")
    server, before = scene.server, blocks(remains(scene.server.data))
    hashes = {}
    for n in range(20):  # whole pages of rows that are erased: in others, what stays may come to lie over what goes
        scene.anchor(track=n % 9 == 0)
        hashes[scene.number] = field_hash(scene, "declared.plea")
    tracked = [number for number in hashes if f"secret of {number}" in scene.needles]
    scene.sql(*(f"ANALYZE {table}" for table in ERASED_TABLES), "CHECKPOINT")
    everything = {(area, f"{name} of {number}") for area in ("base", "pg_wal")
                  for name in ("secret", "passport", "digest") for number in tracked}  # fmt: skip
    assert scene.found() >= everything, "the search finds"
    with monkeypatch.context() as without, psycopg.connect(server.dsn(scene.database)) as reader:
        without.setattr(PostgresScrub, "run", lambda *_: None)
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM chains")  # so long as he may look, no place is used again
        for scene.number in hashes:
            scene.erase()
    scene.sql(*(f"VACUUM {table}" for table in ERASED_TABLES), "CHECKPOINT")
    found = scene.found()
    told = next(number for number in tracked if ("base", f"secret of {number}") in found)
    assert {each for each in everything if each[0] == "pg_wal"} <= found, "a VACUUM leaves it"
    table = {name: data for name, data in remains(server.data).items() if name.startswith("base/")}
    assert recover(since(table, before), hashes[told], "declared.plea", PLEAS) == {"not guilty"}, "the guessing finds"
    assert scene.ledger._erasing.finish_all() == 0
    assert scene.found() == set()
    left = since(remains(server.data), before)
    assert recover(left, hashes[told], "declared.plea", PLEAS) == set()
    assert any(b"declared.kept" in data for data in left.values()), "what was not erased is found"
    server.run("pg_basebackup", "-D", tmp_path / "backup", "-X", "stream", "-c", "fast")
    assert scene.found(remains(tmp_path / "backup")) == set()
    dump = server.run("pg_dump", "-d", scene.database, "--inserts")
    assert "erasures" in dump and scene.found({"dump": dump.encode()}) == set()


def test_the_log_is_written_over_wherever_its_end_stands(scene: Scene) -> None:
    """Segments of before, under a later name: few of them, and many."""
    for kilobytes in (900, 25_000):
        scene.sql(f"SELECT pg_logical_emit_message(false, 'x', repeat('x', 1024 * {kilobytes}))")
        scene.anchor()
        assert {area for area, _ in scene.found()} >= {"pg_wal"}
        assert scene.erase("declared.passport") is None
        # The row now holds the other salts, written out; the next erasure has to find them too.
        assert ("base", f"base64 salt.plea of {scene.number}") in scene.found()
        assert scene.erase(*(name for name in ERASED if name != "declared.passport")) is None
        assert scene.found() == set()


# --- beside a working ledger -----------------------------------------------------------------------------------------


def test_anchoring_goes_on_beside_scrubs(scene: Scene) -> None:
    scene.anchor()
    stop, waits = Event(), []

    def anchor(worker: int) -> int:
        done = 0
        while not stop.is_set():
            begun = time.monotonic()
            anchor_file(scene.ledger, scene.case, b"%d %d" % (worker, done))
            waits.append(time.monotonic() - begun)
            done += 1
        return done

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(anchor, worker) for worker in range(3)]
        try:
            for name in ("declared.plea", "declared.passport", "declared.kept"):
                assert scene.erase(name) is None
        finally:
            stop.set()
        assert all(each.result() > 0 for each in working)
    assert max(waits) < 30
    assert {name for _, name in scene.found() if "digest" not in name} == set()


def test_who_reads_a_table_keeps_neither_anchoring_nor_the_erasure_for_ever(scene: Scene, rewrites: list[str]) -> None:
    scene.anchor()
    with psycopg.connect(scene.server.dsn(scene.database)) as reader:  # as a dump does
        reader.execute("LOCK TABLE openings IN ACCESS SHARE MODE")
        with ThreadPoolExecutor(1) as pool:
            erasing = pool.submit(scene.erase)
            begun = time.monotonic()
            anchor_file(scene.ledger, scene.case, b"meanwhile")
            assert time.monotonic() - begun < 10
            assert "table openings is read all the while" in str(erasing.result())
        assert scene.ledger._erasing.finish_all() == 1
        assert rewrites == []
    assert scene.ledger._erasing.finish_all() == 0
    assert scene.found() == set()


def test_a_rewrite_waits_for_whoever_still_sees_the_rows(scene: Scene, rewrites: list[str]) -> None:
    """Without the wait the rewrite copies them."""
    scene.anchor()
    with psycopg.connect(scene.server.dsn(scene.database)) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM chains")
        assert "still sees" in str(scene.erase())
        assert rewrites == []
        scene.sql("VACUUM FULL openings", "CHECKPOINT")
        assert ("base", f"secret of {scene.number}") in scene.found()
    assert scene.ledger._erasing.finish_all() == 0
    assert scene.found() == set()


def test_erasures_that_wait_share_one_rewrite(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, rewrites: list[str]
) -> None:
    scene.anchor()
    with monkeypatch.context() as patched:
        patched.setattr(PostgresScrub, "run", lambda *_: None)
        for name in ("declared.plea", "declared.passport", "declared.kept"):
            scene.erase(name)
    assert len(scene.ledger._store.unfinished_erasures()) == 3
    assert scene.ledger._erasing.finish_all() == 0
    assert rewrites == list(ERASED_TABLES)


# --- what is the administrator's to do -------------------------------------------------------------------------------


def test_a_role_without_rights_says_what_must_be_granted(
    server: PostgresServer, tmp_path: Path, rewrites: list[str]
) -> None:
    with staged(server, tmp_path, "clerkship") as scene:
        scene.anchor()
        grants = [
            "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO clerkship;", "GRANT pg_checkpoint TO clerkship;",
        ]  # fmt: skip
        said = str(scene.erase())
        assert f"must run in this database: {' '.join(grants)}" in said
        scene.sql("CHECKPOINT")
        assert {area for area, _ in scene.found()} == {"pg_wal"}, "the tables were rewritten"
        (finding,) = fsck(scene.settings)
        assert finding.where == f"entry {scene.index}" and finding.what.endswith(f"this database: {' '.join(grants)}")
        scene.sql(grants[0])
        # Its own checkpoint does it too, when it comes: until then this is said.
        assert scene.ledger._erasing.finish_all() in (0, 1)
        scene.sql("CHECKPOINT")
        assert scene.ledger._erasing.finish_all() == 0
        assert scene.found() == set()
        assert rewrites == list(ERASED_TABLES), "waiting repeats no rewrite"
        scene.sql(grants[1])
        scene.anchor()
        assert scene.erase() is None, "with both rights it is done at once"
        assert scene.found() == set()


def test_a_table_that_is_not_the_roles_is_not_passed_over(server: PostgresServer, tmp_path: Path) -> None:
    with staged(server, tmp_path, "tenant") as scene:
        scene.anchor()
        owner = f"ALTER DATABASE {scene.database} OWNER TO"  # who may vacuum every table in it
        scene.sql(f"{owner} postgres", "ALTER TABLE evidence OWNER TO postgres", f"GRANT {ROWS} ON evidence TO tenant")
        assert "table evidence must belong to the ledger's role" in str(scene.erase())
        scene.sql("ALTER TABLE evidence OWNER TO tenant", "GRANT pg_checkpoint, pg_monitor TO tenant")
        assert scene.ledger._erasing.finish_all() == 0
        assert scene.found() == set()


def test_a_slot_that_holds_the_log_is_named_and_repeats_no_rewrite(scene: Scene, rewrites: list[str]) -> None:
    scene.anchor()
    scene.sql("SELECT pg_create_physical_replication_slot('standby', true)")
    try:
        assert "a replication slot" in str(scene.erase())
        assert scene.ledger._erasing.finish_all() == 1
        assert ("pg_wal", f"secret of {scene.number}") in scene.found()
    finally:
        scene.sql("SELECT pg_drop_replication_slot('standby')")
    assert scene.ledger._erasing.finish_all() == 0
    assert scene.found() == set()
    assert rewrites == list(ERASED_TABLES)


def test_the_next_start_finishes_what_a_stop_cut_short(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.anchor()

    def fail(*_: object) -> None:
        raise UnavailableError("the server is gone")

    with monkeypatch.context() as patched:
        patched.setattr(postgres_scrub, "_advance", fail)
        assert scene.erase() == "the server is gone"
    assert ("pg_wal", f"secret of {scene.number}") in scene.found()
    with opened(scene.settings) as again:
        assert again._store.unfinished_erasures() == []
        assert scene.found() == set()
