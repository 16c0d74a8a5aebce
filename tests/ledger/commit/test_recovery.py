"""What a start refuses, with which words and which evidence; what it mends; and what it costs."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine, event

from ledger.assembly import Ledger
from ledger.commit.batch import commit_batch
from ledger.commit.note_slots import newest_note
from ledger.commit.prepared import Prepared
from ledger.commit.recovery import RACES, check_edge, recover
from ledger.config import Settings
from ledger.errors import ConfigError, CorruptError, LedgerError, RolledBackError, UnavailableError
from ledger.merkle.open_tiles import OpenTiles
from ledger.note.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.note.keys import Ed25519Signer, MLDSA44Signer
from ledger.note.signed_note import parse_note
from ledger.store.contracts import AmbiguousCommitError, LogWriter
from ledger.store.log_rows import Head
from ledger.store.sql_store import SqlStore
from ledger.store.stored_tiles import StoredTiles
from ledger.upkeep.fsck import fsck
from tests.ledger.making import ALICE, ORIGIN, Attacker, Copies, make_log, note_entry, opened, signer_of

SIZE = 300  # a full tile, and an open one behind it


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A sound log on each database; tests work on copies."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    made = make_log(tmp_path_factory.mktemp("original") / "data", url)
    grow(made, SIZE - 1)
    return made


@pytest.fixture
def settings(original: Settings, copies: Copies, tmp_path: Path) -> Settings:
    """A copy of a log with an open tile, for tests on both databases."""
    return copies.log(original, tmp_path / "data")


@pytest.fixture
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    made = Copies(lambda: request.getfixturevalue("postgres_server"))
    yield made
    made.drop()


def sqlite_alone(test: Callable[..., None]) -> Callable[..., None]:
    """For rules that no database can bend: the store's contract holds on both, and one is enough here."""
    return pytest.mark.parametrize("original", ["sqlite"], indirect=True)(test)


def grow(settings: Settings, count: int, chain: str | None = None) -> None:
    """Append entries as a running ledger would: committed, signed, kept."""
    commit(settings, count, chain)
    with opened(settings):
        pass


def commit(settings: Settings, count: int, chain: str | None = None) -> None:
    """Append entries and die before signing."""
    store = SqlStore.open(settings.database)
    commit_batch(store, [[note_entry(chain) for _ in range(count)]], None, 1_800_000_000_000)
    store.close()


def refused(settings: Settings, kind: type[LedgerError], accept: Path | None = None) -> LedgerError:
    with pytest.raises(LedgerError) as raised:
        Ledger.open(settings, accept).close()
    assert type(raised.value) is kind, raised.value
    # And the refusal lets go of everything: the same start is refused again, not for a lock that was kept.
    with pytest.raises(kind):
        Ledger.open(settings, accept).close()
    return raised.value


def kept_text(settings: Settings) -> str:
    return parse_note(newest_note((settings.kept / "kept-checkpoint").read_bytes())).text


def head_of(settings: Settings) -> Head:
    store = SqlStore.open(settings.database)
    head = store.head()
    store.close()
    return head


def head_text(settings: Settings) -> str:
    head = head_of(settings)
    return format_checkpoint(Checkpoint(ORIGIN, head.size, head.root))


@pytest.fixture
def attacker(settings: Settings) -> Iterator[Attacker]:
    with Attacker(settings.database) as found:
        found.drop_triggers()
        yield found


# --- edits ---------------------------------------------------------------------------------------------------------


def test_a_sound_log_starts(settings: Settings) -> None:
    with opened(settings) as ledger:
        assert ledger.status()["size"] == SIZE
        assert ledger.readiness() == []


@pytest.mark.parametrize("count", [1, 50, SIZE])
def test_deleted_last_entries(settings: Settings, attacker: Attacker, count: int) -> None:
    attacker.execute("DELETE FROM entries WHERE idx >= :first", {"first": SIZE - count})
    error = refused(settings, CorruptError)
    assert f"the head counts {SIZE} entries, the last one stored has index {SIZE - count - 1}" in error.what
    assert "the last entries were deleted" in error.what
    assert error.where == "database"


@sqlite_alone
def test_an_entry_behind_the_head(settings: Settings, attacker: Attacker) -> None:
    attacker.execute("INSERT INTO entries SELECT 300, chain, 1000, kind, leaf FROM entries WHERE idx = 299")
    assert "the head was moved back" in refused(settings, CorruptError).what


@sqlite_alone
@pytest.mark.parametrize("column", ["root", "frontier"])
def test_a_head_that_the_entries_do_not_give(settings: Settings, attacker: Attacker, column: str) -> None:
    now = attacker.value(f"SELECT {column} FROM log_head")  # noqa: S608 (a name of our own)
    attacker.execute(f"UPDATE log_head SET {column} = :bytes", {"bytes": bytes([now[0] ^ 1]) + now[1:]})  # noqa: S608
    expected = {"root": "do not give the head's root at size 300", "frontier": "the stored frontier does not give"}
    assert expected[column] in refused(settings, CorruptError).what


@sqlite_alone
def test_a_missing_head(settings: Settings, attacker: Attacker) -> None:
    attacker.execute("DELETE FROM log_head")
    assert "expected its one row, got none" in refused(settings, CorruptError).what


@sqlite_alone
@pytest.mark.parametrize("index", [256, 299])
def test_an_edited_leaf_at_the_right_edge(settings: Settings, attacker: Attacker, index: int) -> None:
    attacker.execute("UPDATE entries SET leaf = :leaf WHERE idx = :index", {"leaf": b"{}", "index": index})
    assert "do not give the head's root" in refused(settings, CorruptError).what


@sqlite_alone
@pytest.mark.parametrize("attack", ["edited", "cut", "deleted"])
def test_a_full_tile_at_the_right_edge(settings: Settings, attacker: Attacker, attack: str) -> None:
    tile = attacker.value("SELECT hashes FROM tiles")
    if attack == "deleted":
        attacker.execute("DELETE FROM tiles")
    else:
        changed = tile[:-1] if attack == "cut" else bytes([tile[0] ^ 1]) + tile[1:]
        attacker.execute("UPDATE tiles SET hashes = :tile", {"tile": changed})
    refused(settings, CorruptError)


# --- the kept checkpoint -------------------------------------------------------------------------------------------


def test_an_older_database_is_a_rollback(settings: Settings, copies: Copies, tmp_path: Path) -> None:
    older = replace(settings, database=copies.database(settings.database, tmp_path / "older.db"))
    grow(settings, 20)
    error = refused(older, RolledBackError)
    assert "rolled back or forked: the kept checkpoint has size 320, the database only 300" in error.what
    assert isinstance(error, RolledBackError)
    assert error.evidence == (kept_text(settings), head_text(older))
    with opened(settings):  # the newer database is the true one
        pass


@pytest.mark.parametrize("more", [0, 40])
def test_a_fork_is_told_by_its_root(settings: Settings, copies: Copies, tmp_path: Path, more: int) -> None:
    """The same keys, another folder: what came after 300 differs, at the same size or beyond it."""
    database = copies.database(settings.database, tmp_path / "fork.db")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(settings.data, elsewhere)
    fork = replace(settings, data=elsewhere, kept=elsewhere, blobs=elsewhere / "blobs", database=database)
    grow(settings, 5)
    grow(fork, 5 + more)
    error = refused(replace(settings, database=database), RolledBackError)
    assert f"the database of size {305 + more} does not continue the kept checkpoint of size 305" in error.what
    assert isinstance(error, RolledBackError)
    assert error.evidence == (kept_text(settings), head_text(fork))
    assert error.evidence[0] != error.evidence[1]


def test_a_missing_kept_checkpoint_must_be_vouched_for(settings: Settings, tmp_path: Path) -> None:
    kept, true = settings.kept / "kept-checkpoint", tmp_path / "true"
    kept.rename(true)
    error = refused(settings, ConfigError)
    assert "no kept checkpoint" in error.what and "--accept-checkpoint" in error.what
    assert error.where == str(kept)
    with opened(settings, accept_checkpoint=true):
        pass
    assert kept_text(settings) == parse_note(newest_note(true.read_bytes())).text
    with opened(settings):  # from now on without it
        pass


@sqlite_alone
def test_what_is_vouched_for_must_be_this_logs_past(settings: Settings, copies: Copies, tmp_path: Path) -> None:
    database = copies.database(settings.database, tmp_path / "older.db")
    grow(settings, 5)
    accepted = tmp_path / "accepted"
    (settings.kept / "kept-checkpoint").rename(accepted)
    older = replace(settings, database=database)
    assert (
        "the accepted checkpoint has size 305, the database only 300" in refused(older, RolledBackError, accepted).what
    )
    accepted.write_bytes(b"garbage")
    assert "the accepted checkpoint is not signed by this log's keys" in refused(settings, ConfigError, accepted).what
    assert "read the checkpoint to accept" in refused(settings, ConfigError, tmp_path / "none").what
    assert not (settings.kept / "kept-checkpoint").exists()


@sqlite_alone
@pytest.mark.parametrize("who", ["other keys", "one key only", "another origin", "nobody"])
def test_a_kept_checkpoint_of_others_is_no_witness(settings: Settings, who: str) -> None:
    head = head_of(settings)
    path = settings.kept / "kept-checkpoint"
    origin = "other.example/log" if who == "another origin" else ORIGIN
    keys = Ed25519Signer(origin, b"e" * 32), MLDSA44Signer(origin, b"m" * 32)
    if who == "one key only":
        lines = newest_note(path.read_bytes()).split(b"\n")
        path.write_bytes(b"\n".join(lines[:-2]) + b"\n")
    elif who == "nobody":
        path.write_bytes(b"")
    else:
        path.write_bytes(sign_checkpoint(Checkpoint(origin, head.size, head.root), *keys, 1))
    error = refused(settings, ConfigError)
    assert "the kept checkpoint is not signed by this log's keys" in error.what
    assert error.where == str(path)


@sqlite_alone
@pytest.mark.parametrize("table", ["published", "checkpoints"])
def test_a_signed_checkpoint_beyond_the_head(settings: Settings, attacker: Attacker, table: str) -> None:
    """Database and kept file rolled back together; one table was forgotten."""
    signer = signer_of(settings)
    keys = signer._ed25519, signer._mldsa
    note = sign_checkpoint(Checkpoint(ORIGIN, 301, b"r" * 32), *keys, 1)
    if table == "published":
        store = SqlStore.open(settings.database)
        store.save_checkpoint(301, note)
        store.close()
    else:
        attacker.copy_row("checkpoints", "size = 300", size=301, note=note)
    error = refused(settings, RolledBackError)
    assert "a checkpoint of size 301 was signed, the head has 300" in error.what
    assert isinstance(error, RolledBackError)
    assert error.evidence == (parse_note(note).text, head_text(settings))
    assert attacker.execute(f"UPDATE {table} SET note = :note WHERE size = 301", {"note": b"garbage"}) == 1  # noqa: S608 (our names)
    refused(settings, RolledBackError)


@sqlite_alone
def test_the_same_size_with_another_note_in_the_database(settings: Settings, attacker: Attacker) -> None:
    """What would be served contradicts what we signed."""
    attacker.execute("UPDATE published SET note = :note WHERE size = 300", {"note": b"garbage"})
    error = refused(settings, CorruptError)
    assert "the checkpoint of size 300 is not one of this log" in error.what


# --- what a crash leaves -------------------------------------------------------------------------------------------


def test_an_unsigned_head_is_signed(settings: Settings) -> None:
    commit(settings, 7)
    with opened(settings) as ledger:
        served = ledger.checkpoint()
        assert served is not None
    assert parse_note(served).text == kept_text(settings) == head_text(settings)


@sqlite_alone
def test_a_kept_checkpoint_that_the_database_lacks_is_stored(settings: Settings) -> None:
    commit(settings, 7)
    head = head_of(settings)
    signer = signer_of(settings)
    note = signer._sign(Checkpoint(ORIGIN, head.size, head.root))
    signer.kept.advance(note)
    with opened(settings) as ledger:
        served = ledger.checkpoint()
    assert served is not None and parse_note(served).text == parse_note(note).text


def test_an_answered_entrys_checkpoint_that_the_disk_lost_is_stored_again(
    settings: Settings, attacker: Attacker
) -> None:
    """SQLite does not flush this row (CheckpointRows.save_checkpoint): a power cut may take its last state."""
    before = {"size": 300, "note": attacker.value("SELECT note FROM published WHERE size = 300")}
    with opened(settings) as ledger:
        ledger.open_case(ALICE, "Answered")
    told = kept_text(settings)
    attacker.execute("UPDATE published SET size = :size, note = :note", before)
    with opened(settings) as ledger:
        served = ledger.checkpoint()
        assert served is not None and parse_note(served).text == told == head_text(settings)
        signer_of(settings).check(served)
    assert attacker.value("SELECT size FROM published") == 301


@sqlite_alone
def test_a_checkpoint_that_is_stored_and_not_served_is_served(settings: Settings, attacker: Attacker) -> None:
    newest = attacker.value("SELECT note FROM checkpoints WHERE size = 300")
    attacker.execute("UPDATE published SET (size, note) = (SELECT size, note FROM checkpoints WHERE size = 0)")
    with opened(settings) as ledger:
        assert ledger.checkpoint() == newest  # it was not signed anew


def test_a_log_without_entry_0_is_not_opened(tmp_path: Path, sqlite_url: str) -> None:
    settings = make_log(tmp_path / "data", sqlite_url)
    Path(sqlite_url.removeprefix("sqlite:///")).unlink()
    store = SqlStore.create(sqlite_url)
    store.close()
    (settings.kept / "kept-checkpoint").unlink()
    assert "`evidence-ledger init` did not finish" in refused(settings, ConfigError).what


# --- what others commit meanwhile ------------------------------------------------------------------------------------


class Overtaken(SqlStore):
    """The store of a process whose checks are too slow: whenever it reads the last index, another one has committed,
    or waits for the head that this one has locked.
    """

    def overtake_with(self, other: SqlStore) -> None:
        self.other = other
        self.locked = False
        self.waiting: list[Thread] = []

    @contextmanager
    def writing(self) -> Iterator[LogWriter]:
        with super().writing() as writer:
            self.locked = True
            try:
                yield writer
            finally:
                self.locked = False

    def last_index(self) -> int:
        committing = Thread(target=commit_batch, args=(self.other, [[note_entry()]], None, 1_800_000_000_000))
        committing.start()
        if self.locked:
            self.waiting.append(committing)
        else:
            committing.join()
        return super().last_index()


@pytest.mark.parametrize("original", ["postgresql"], indirect=True)
def test_a_start_beside_others_that_always_commit_between_its_reads(settings: Settings) -> None:
    """They wait once, for one check, and then go on."""
    store, other = Overtaken.open(settings.database), SqlStore.open(settings.database)
    store.overtake_with(other)
    edge = recover(store, signer_of(settings))
    assert edge.size == SIZE + RACES
    (waiting,) = store.waiting
    waiting.join()
    store.close()
    other.close()
    assert head_of(settings).size == SIZE + RACES + 1
    with opened(settings) as ledger:
        assert ledger.status()["size"] == SIZE + RACES + 1
    assert list(fsck(settings)) == []


@pytest.mark.parametrize("original", ["postgresql"], indirect=True)
def test_a_rollback_is_told_also_beside_others_that_commit(settings: Settings, copies: Copies, tmp_path: Path) -> None:
    older = replace(settings, database=copies.database(settings.database, tmp_path / "older.db"))
    grow(settings, 3 * RACES)
    store, other = Overtaken.open(older.database), SqlStore.open(older.database)
    store.overtake_with(other)
    with pytest.raises(RolledBackError, match=f"has size {SIZE + 3 * RACES}, the database only {SIZE + RACES}"):
        recover(store, signer_of(older))
    for waiting in store.waiting:  # a refused start lets go of the head
        waiting.join()
    store.close()
    other.close()


# --- what a start costs --------------------------------------------------------------------------------------------


class Work:
    """Counts statements, and on SQLite the steps of its machine: what a start reads, whatever the clock says."""

    def __init__(self) -> None:
        self.statements = 0
        self.steps = 0

    def statement(self, *_: Any) -> None:
        self.statements += 1

    def connection(self, connection: sqlite3.Connection, _: Any) -> None:
        connection.set_progress_handler(self.step, 100)

    def step(self) -> int:
        self.steps += 100
        return 0


def start_work(settings: Settings) -> Work:
    work = Work()
    event.listen(Engine, "before_cursor_execute", work.statement)
    event.listen(Engine, "connect", work.connection)
    try:
        with opened(settings) as ledger:
            assert ledger.status()["size"]
    finally:
        event.remove(Engine, "before_cursor_execute", work.statement)
        event.remove(Engine, "connect", work.connection)
    return work


def test_a_start_costs_the_same_on_a_long_log(tmp_path: Path, sqlite_url: str) -> None:
    settings = make_log(tmp_path / "data", sqlite_url)
    store = SqlStore.open(settings.database)
    chain = store.leaves(0, 1) and store.entry(0)
    assert chain
    edge: OpenTiles | None = None
    work = {}
    for size in (1_000, 70_000):
        missing = size - store.head().size
        while missing:
            count = min(missing, 10_000)
            batch = [Prepared(chain.chain, "bulk.entry", public={"n": n}) for n in range(count)]
            edge, _ = commit_batch(store, [batch], edge, 1_800_000_000_000)
            missing -= count
        recover(store, signer_of(settings))
        work[size] = start_work(settings)
    store.close()
    # Below the open tile of level 1 stand 3 full tiles in the one and 17 in the other: two statements each. Never more
    # than 255.
    assert work[70_000].statements <= work[1_000].statements + 2 * 16 + 2 < 80
    assert work[70_000].steps <= 2 * work[1_000].steps


def test_a_database_that_does_not_answer_is_not_a_damaged_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are cut after the last entry was counted, before the right edge is read."""
    store = SqlStore.open(settings.database)
    head = store.head()

    def go_away(*_: Any) -> Any:
        raise UnavailableError("read tiles: the database failed: connection lost", retry_after=2)

    monkeypatch.setattr(StoredTiles, "read", go_away)
    try:
        with pytest.raises(UnavailableError, match="connection lost"):
            check_edge(store, head)
    finally:
        store.close()


def test_a_start_that_the_database_does_not_confirm_may_be_tried_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has written nothing, so nothing is in doubt but whether the database is there."""
    store = SqlStore.open(settings.database)
    before, writing = store.head(), store.writing

    @contextmanager
    def unconfirmed() -> Iterator[LogWriter]:
        with writing() as writer:
            yield writer
        raise AmbiguousCommitError("commit the batch: the database did not confirm it: the server hung up")

    monkeypatch.setattr(store, "writing", unconfirmed)
    with pytest.raises(UnavailableError, match=r"start: commit the batch.*the server hung up"):
        recover(store, signer_of(settings))
    monkeypatch.undo()
    recover(store, signer_of(settings))
    assert store.head() == before
    store.close()
