"""Ledgers for tests: real ones, in a folder and a database of the test's own, and who attacks them with SQL."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.casework.projection import project
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.prepared import Prepared, new_chain, prepare
from ledger.commit.signer import CheckpointSigner
from ledger.config import Settings, load_settings
from ledger.keys.key_folder import KeyFolder
from ledger.store.engine import is_sqlite, open_engine
from ledger.submit.anchor_flow import Anchored
from ledger.upkeep.initialise import initialise
from tests.postgres import PostgresServer

ORIGIN = "ledger.example/court"
ALICE = Actor("alice", "party")
BOB = Actor("bob", "counsel")
JUDGE = Actor("judge", "court")
APPEND_ONLY = ("entries", "tiles", "checkpoints")


class MovedClock:
    """The machine's clock, `offset_ms` off; the offset may be changed while somebody uses it."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def monotonic(self) -> float:
        return time.monotonic()


def make_log(data: Path, database: str | None = None, **options: object) -> Settings:
    """Make a log in `data` and give its settings as a later start reads them."""
    initialise(load_settings(data, {"origin": ORIGIN, "database": database, **options}, {}))
    # Extraction starts a process for every file: it has tests of its own, and who tests it here asks for it.
    return load_settings(data, {"extract": options.get("extract", False)}, {})


@contextmanager
def opened(settings: Settings, **options: Any) -> Iterator[Ledger]:
    """An open ledger, closed at the end of the block."""
    ledger = Ledger.open(settings, **options)
    try:
        yield ledger
    finally:
        ledger.close()


def statement(n: int = 0) -> bytes:
    """A hash-only statement, another one for each `n`."""
    data = b"evidence %d" % n
    return b'{"name":"%d.txt","sha256":"%s","sha512":"%s","size":%d}' % (
        n,
        sha256(data).hexdigest().encode(),
        sha512(data).hexdigest().encode(),
        len(data),
    )


def anchor_file(
    ledger: Ledger,
    case: str,
    data: bytes = b"contract",
    name: str = "contract.txt",
    said: bytes = b"{}",
    actor: Actor = ALICE,
    key: str | None = None,
) -> Anchored:
    """Anchor bytes as a file."""
    with ledger.receive_file() as upload:
        upload.write(data)
        return ledger.anchor(actor, case, said, upload, name, key)


def note_entry(chain: str | None = None, **options: Any) -> Prepared:
    """An entry of a case's kind with one field, ready to be sequenced."""
    chain, kind, fields = chain or new_chain(), options.pop("kind", "case.noted"), {"case.title": "x"}
    options.setdefault("projections", tuple(project(0, chain, kind, fields)))
    return prepare(chain, kind, fields, **options)


def signer_of(settings: Settings) -> CheckpointSigner:
    """The log's signer over the kept file of `settings`."""
    signers = KeyFolder(settings.data / "keys").log_signers(settings.origin)
    return CheckpointSigner(settings.origin, *signers, KeptCheckpoint(settings.kept), MovedClock())


class Copies:
    """Copies of a database and of a data folder, as an attacker or a careless restore makes them."""

    def __init__(self, server: Callable[[], PostgresServer]) -> None:
        self._server = server
        self._made: list[str] = []

    def log(self, settings: Settings, data: Path) -> Settings:
        """A log's folder and database under another place; the log is closed."""
        shutil.copytree(settings.data, data)
        copy = replace(settings, data=data, kept=data, blobs=data / "blobs")
        return replace(copy, database=self.database(settings.database, data / "ledger.db"))

    def database(self, url: str, to: Path) -> str:
        """The database's copy: a file at `to`, or a PostgreSQL database of another name."""
        if url.startswith("sqlite:"):
            shutil.copyfile(url.removeprefix("sqlite:///"), to)
            return f"sqlite:///{to}"
        name = url.partition("@/")[2].partition("?")[0]
        copy = f"{name}_{secrets.token_hex(4)}"
        with psycopg.connect(self._server().dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        self._made.append(copy)
        return self._server().url(copy)

    def drop(self) -> None:
        for name in self._made:
            self._server().drop_database(name)


class Attacker:
    """Somebody with the database's password: drops the triggers, then rewrites what he likes."""

    def __init__(self, database: str) -> None:
        self._engine = open_engine(database)
        self.sqlite = is_sqlite(self._engine)

    def __enter__(self) -> Attacker:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def drop_triggers(self) -> None:
        for table in (*APPEND_ONLY, "published"):
            names = ["no_update", "no_delete"]
            if not self.sqlite:
                names = [*(names if table == "published" else ["no_rewriting"]), "no_truncate"]
            for name in names:
                self.execute(f"DROP TRIGGER {table}_{name}" + ("" if self.sqlite else f" ON {table}"))

    def execute(self, sql: str, values: Mapping[str, object] | None = None) -> int:
        """Run one statement and commit it. Returns how many rows it touched."""
        with self._engine.begin() as connection:
            return connection.execute(text(sql), dict(values or {})).rowcount

    def copy_row(self, table: str, where: str, **changes: object) -> None:
        """Insert a copy of one row with some columns changed."""
        with self._engine.begin() as connection:
            (row,) = connection.execute(text(f"SELECT * FROM {table} WHERE {where}")).mappings()  # noqa: S608 (our names)
            values = {**row, **changes}
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608

    def value(self, sql: str, values: Mapping[str, object] | None = None) -> Any:
        """One value of one row."""
        with self._engine.connect() as connection:
            found = connection.execute(text(sql), dict(values or {})).scalar_one()
        return bytes(found) if isinstance(found, memoryview) else found
