"""fsck finds what somebody with the database, or the disk, changed, and names where; on a sound log it is silent."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.commit.recovery import check_edge
from ledger.config import Settings
from ledger.entry.canonical_json import parse, serialise
from ledger.entry.receipt_number import parse_number
from ledger.errors import ConfigError, UnavailableError
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.merkle.open_tiles import OpenTiles
from ledger.note.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.audit_rows import AuditRows
from ledger.store.contracts import LogStore
from ledger.store.log_rows import Head
from ledger.store.sql_store import SqlStore
from ledger.upkeep.file_audit import audit_files
from ledger.upkeep.fsck import Finding, fsck
from ledger.workers import record_token
from tests.ledger.making import (
    ALICE,
    BOB,
    JUDGE,
    ORIGIN,
    Attacker,
    Copies,
    anchor_file,
    make_log,
    opened,
    signer_of,
    statement,
)

FILE = b"the file's bytes"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A sound log: two cases, members, files, a full tile and an open one, a recorded token."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    settings = make_log(tmp_path_factory.mktemp("original") / "data", url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
        ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
        anchor_file(ledger, case, FILE, said=b'{"metadata":{"author":"X"}}')
        other = ledger.open_case(BOB, "Two").case
        anchor_file(ledger, other, FILE, actor=BOB)
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(300)], "batch")
        ledger.start()
        wait_for_token(ledger)
    return settings


def wait_for_token(ledger: Ledger) -> None:
    for _ in range(200):
        (authority,) = ledger._timestamping.status()
        if authority.last_index is not None:
            return
        threading.Event().wait(0.05)
    raise AssertionError("no token in time")


@pytest.fixture
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    made = Copies(lambda: request.getfixturevalue("postgres_server"))
    yield made
    made.drop()


@pytest.fixture
def settings(original: Settings, copies: Copies, tmp_path: Path) -> Settings:
    return copies.log(original, tmp_path / "data")


@pytest.fixture
def attacker(settings: Settings) -> Iterator[Attacker]:
    with Attacker(settings.database) as found:
        found.drop_triggers()
        yield found


def sqlite_alone(test: Callable[..., None]) -> Callable[..., None]:
    """For findings that no database can bend: what is read of a row is the store's contract, held on both."""
    return pytest.mark.parametrize("original", ["sqlite"], indirect=True)(test)


def findings(settings: Settings) -> dict[str, str]:
    """By place, what was found there first."""
    found: dict[str, str] = {}
    for each in fsck(settings):
        found.setdefault(each.where, each.what)
    return found


def flipped(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def edit(attacker: Attacker, table: str, column: str, where: str, change: Callable[[bytes], bytes]) -> None:
    now = attacker.value(f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608 (names of our own)
    changed = attacker.execute(f"UPDATE {table} SET {column} = :value WHERE {where}", {"value": change(now)})  # noqa: S608
    assert changed == 1


def evidence_index(attacker: Attacker) -> int:
    return int(attacker.value("SELECT min(idx) FROM evidence"))


# --- sound ---------------------------------------------------------------------------------------------------------


def test_a_sound_log_is_sound_and_stays_as_it_was(settings: Settings) -> None:
    assert list(fsck(settings)) == []
    assert list(fsck(settings)) == []
    with opened(settings):  # also beside a server that does nothing
        assert list(fsck(settings)) == []


def test_a_new_log_is_sound(tmp_path: Path, database_url: str) -> None:
    assert list(fsck(make_log(tmp_path / "data", database_url))) == []


def test_beside_a_running_writer_it_stays_sound(settings: Settings) -> None:
    stop = threading.Event()
    with opened(settings) as ledger:

        def work(n: int) -> None:
            while not stop.is_set():
                case = ledger.open_case(ALICE, f"Case {n}").case
                ledger.anchor_batch(ALICE, case, [statement(n) for n in range(20)], None)
                ledger.add_member(ALICE, case, "carol", "party", "third")
                anchor_file(ledger, case, b"%d" % n)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        before = ledger.status()["size"]
        for thread in threads:
            thread.start()
        found = [finding for _ in range(2) for finding in fsck(settings)]
        stop.set()
        for thread in threads:
            thread.join()
        assert found == []
        assert ledger.status()["size"] != before  # the writer did write
    assert list(fsck(settings)) == []


def test_a_ledger_that_cannot_be_read_is_told(settings: Settings) -> None:
    shutil.rmtree(settings.data / "keys")
    with pytest.raises(ConfigError, match="read a key"):
        list(fsck(settings))


# --- attacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 2, 100, 255])
def test_an_edited_leaf(settings: Settings, attacker: Attacker, index: int) -> None:
    edit(attacker, "entries", "leaf", f"idx = {index}", lambda leaf: leaf.replace(b'"time":"20', b'"time":"19'))
    found = findings(settings)
    assert "its hashes are not the entries'" in found["tile 0/0"]
    assert "prev is not the leaf hash" in " ".join(found.values())


@sqlite_alone
def test_a_leaf_that_is_none(settings: Settings, attacker: Attacker) -> None:
    edit(attacker, "entries", "leaf", "idx = 7", lambda leaf: leaf[:-1])
    assert "its leaf is malformed" in findings(settings)["entry 7"]


@sqlite_alone
@pytest.mark.parametrize("change", ["kind = 'evidence.read'", "seq = 9999", "chain = zeroblob(16)"])
def test_an_edited_row_around_a_leaf(settings: Settings, attacker: Attacker, change: str) -> None:
    attacker.execute(f"UPDATE entries SET {change} WHERE idx = 7")  # noqa: S608 (texts of our own)
    assert "its row names another chain, seq or kind" in findings(settings)["entry 7"]


def test_an_edited_opening(settings: Settings, attacker: Attacker) -> None:
    index = evidence_index(attacker)

    def change(fields: bytes) -> bytes:
        values = parse(fields, where="fields")
        assert isinstance(values, dict) and values["declared.author"] == "X"
        return serialise({**values, "declared.author": "Y"})

    edit(attacker, "openings", "fields", f"idx = {index}", change)
    assert findings(settings) == {f"entry {index}": "its openings do not give its commitment"}


@sqlite_alone
def test_an_edited_secret(settings: Settings, attacker: Attacker) -> None:
    edit(attacker, "openings", "secret", "idx = 9", flipped)
    assert findings(settings) == {"entry 9": "its openings do not give its commitment"}


@sqlite_alone
def test_openings_that_are_no_fields(settings: Settings, attacker: Attacker) -> None:
    edit(attacker, "openings", "fields", "idx = 9", lambda _: b"[")
    assert "its openings are malformed" in findings(settings)["entry 9"]


@sqlite_alone
def test_missing_openings(settings: Settings, attacker: Attacker) -> None:
    attacker.execute("DELETE FROM openings WHERE idx = 9")
    assert findings(settings)["entry 9"] == "its openings are missing, and no erasure is recorded"


@sqlite_alone
def test_openings_slipped_in(settings: Settings, attacker: Attacker) -> None:
    attacker.copy_row("openings", "idx = 9", idx=0)
    attacker.copy_row("openings", "idx = 9", idx=5000)
    found = findings(settings)
    assert found["entry 0"] == "it is public, and yet it has openings"
    assert "it has" in found["table openings"]


@pytest.mark.parametrize("where", ["the middle", "the end"])
def test_a_deleted_entry(settings: Settings, attacker: Attacker, where: str) -> None:
    last = int(attacker.value("SELECT max(idx) FROM entries"))
    index = 100 if where == "the middle" else last
    attacker.execute("DELETE FROM entries WHERE idx = :index", {"index": index})
    found = findings(settings)
    assert "it is missing" in found[f"entry {index}"]
    if index == last:
        assert "the last entries were deleted" in found["database"]


@sqlite_alone
def test_an_entry_behind_the_head(settings: Settings, attacker: Attacker) -> None:
    size = int(attacker.value("SELECT size FROM log_head"))
    attacker.copy_row("entries", "idx = 9", idx=size, seq=5000)
    found = findings(settings)
    assert "the head was moved back" in found["database"]
    assert found.keys() == {"database"}


@sqlite_alone
@pytest.mark.parametrize("column", ["root", "frontier"])
def test_an_edited_head(settings: Settings, attacker: Attacker, column: str) -> None:
    edit(attacker, "log_head", column, "id = 1", flipped)
    found = findings(settings)
    assert {"database", "head"} <= found.keys()


def test_what_a_start_would_say_is_asked_where_the_log_is_not_derived_or_is_broken(
    settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def check(store: LogStore, head: Head) -> OpenTiles:
        asked.append("edge")
        return check_edge(store, head)

    monkeypatch.setattr("ledger.upkeep.fsck.check_edge", check)
    assert (list(fsck(settings)), asked) == ([], [])
    assert (list(fsck(settings, ["files"])), asked) == ([], ["edge"])
    edit(attacker, "log_head", "frontier", "id = 1", flipped)
    for only in (["files"], ["log"]):
        asked.clear()
        assert any("the stored frontier does not give" in each.what for each in fsck(settings, only)), only
        assert asked == ["edge"]


@pytest.mark.parametrize("attack", ["edited", "missing"])
def test_a_tile(settings: Settings, attacker: Attacker, attack: str) -> None:
    if attack == "edited":
        edit(attacker, "tiles", "hashes", "level = 0", lambda tile: flipped(tile, 4000))
    else:
        attacker.execute("DELETE FROM tiles")
    wanted = {"edited": "its hashes are not the entries'", "missing": "it is missing"}
    assert findings(settings)["tile 0/0"] == wanted[attack]


@sqlite_alone
@pytest.mark.parametrize(("level", "index"), [(0, 1), (1, 0), (0, 999), (7, 0)])
def test_a_tile_slipped_in(settings: Settings, attacker: Attacker, level: int, index: int) -> None:
    attacker.copy_row("tiles", "level = 0", level=level, idx=index)
    assert findings(settings)[f"tile {level}/{index}"] == "it stands for entries that do not exist"


@sqlite_alone
def test_an_edited_checkpoint(settings: Settings, attacker: Attacker) -> None:
    size = int(attacker.value("SELECT max(size) FROM checkpoints"))
    where = f"size = {size}"
    note = attacker.value(f"SELECT note FROM checkpoints WHERE {where}")  # noqa: S608 (a number)
    at = note.index(b"\n", note.index(b"\n") + 1) + 1
    for changed in (flipped(note, at), flipped(note, len(note) - 9), note[: len(note) // 2], b""):
        attacker.execute(f"UPDATE checkpoints SET note = :note WHERE {where}", {"note": changed})  # noqa: S608
        assert "it is not one of this log" in findings(settings)[f"checkpoint {size}"]
        edit(attacker, "checkpoints", "note", where, lambda _: note)
    assert findings(settings) == {}


@sqlite_alone
def test_a_checkpoint_under_another_size(settings: Settings, attacker: Attacker) -> None:
    head = int(attacker.value("SELECT size FROM log_head"))
    attacker.copy_row("checkpoints", "size = 0", size=head + 5)
    found = list(fsck(settings))
    assert Finding(f"checkpoint {head + 5}", f"it was signed, and the head has only {head} entries") in found


@sqlite_alone
@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("DELETE FROM published", "the checkpoint that is to be served is not stored"),
        ("UPDATE published SET (size, note) = (SELECT size, note FROM checkpoints WHERE size = 0)", "the newest has"),
        ("UPDATE published SET size = 999", "its row says 999"),
        ("UPDATE published SET size = size - 1", "its row says"),
        ("UPDATE published SET note = (SELECT note FROM checkpoints WHERE size = 0)", "is served has size 0"),
        ("UPDATE published SET note = x'00'", "the served checkpoint is not signed by this log's keys"),
    ],
)  # fmt: skip
def test_what_is_served(settings: Settings, attacker: Attacker, attack: str, said: str) -> None:
    assert attacker.execute(attack) == 1
    assert said in findings(settings)["published"]
    assert said in {each.where: each.what for each in fsck(settings, only=())}["published"]


def test_every_byte_of_what_is_served(settings: Settings, attacker: Attacker) -> None:
    """Also of one that another tree gives, signed by our own keys."""
    note = attacker.value("SELECT note FROM published")
    for at in range(0, len(note), len(note) // 40):
        attacker.execute("UPDATE published SET note = :note", {"note": flipped(note, at)})
        assert [each.where for each in fsck(settings, only=())] == ["published"], at
    signer = signer_of(settings)
    size = int(attacker.value("SELECT size FROM published"))
    other = sign_checkpoint(Checkpoint(ORIGIN, size, b"r" * 32), signer._ed25519, signer._mldsa, 1)
    attacker.execute("UPDATE published SET note = :note", {"note": other})
    (found,) = fsck(settings, only=())
    assert found.where == "published" and "does not continue the served checkpoint" in found.what
    assert found.evidence[0] == parse_note(other).text


def test_a_member_slipped_in(settings: Settings, attacker: Attacker) -> None:
    """A stranger who wants to read a case, and leaves no entry."""
    for index in (2, 3, 5000):
        attacker.copy_row("members", "account = 'judge'", account="eve", idx=index)
        found = findings(settings)
        assert any(what == "the membership of eve is not what the entries say" for what in found.values())
        attacker.execute("DELETE FROM members WHERE account = 'eve'")
    assert findings(settings) == {}


@sqlite_alone
def test_a_token_over_another_tree(settings: Settings) -> None:
    """What is stamped is compared with the entries: signed notes are kept of few sizes."""
    with opened(settings) as ledger:
        size = ledger._store.head().size
        authority = ledger._timestamping._authorities[0]
        edge = ledger._sequencer.edge
        assert edge is not None
        true = [Checkpoint(ORIGIN, size, edge.frontier.root())]
        true += [Checkpoint(ORIGIN, at, OpenTiles.load(at, ledger._tiles.read).frontier.root()) for at in (2, 255, 256)]
        false = [
            replace(true[1], root=b"r" * 32),
            replace(true[2], origin="other.example/log"),
            replace(true[0], size=9_999),
        ]
        false += [Checkpoint(ORIGIN, 0, EMPTY_ROOT), replace(true[2], size=256)]
        for each in (*true, *false):
            text = format_checkpoint(each)
            record_token(ledger._store, ledger._sequencer, "development", text, authority.ask(text.encode())[0])
    found = findings(settings)
    wrong = {f"entry {size + len(true) + n}": each.size for n, each in enumerate(false)}
    assert found == {
        where: f"its token stamps a checkpoint of size {stamped} that is not this log's"
        for where, stamped in wrong.items()
    }


@sqlite_alone
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE members SET role = 'court' WHERE account = 'bob' AND side = 'opposing'",
        "UPDATE members SET side = 'party' WHERE account = 'bob' AND side = 'opposing'",
        "DELETE FROM members WHERE account = 'bob' AND side = 'opposing'",
        "UPDATE cases SET title = 'Another' WHERE title = 'One'",
        "UPDATE cases SET opener = 'bob' WHERE title = 'One'",
        "DELETE FROM cases WHERE title = 'One'",
    ],
)
def test_edited_tables_of_cases(settings: Settings, attacker: Attacker, change: str) -> None:
    assert attacker.execute(change) == 1
    assert any(where.startswith("case ") for where in findings(settings))


@sqlite_alone
def test_a_case_slipped_in(settings: Settings, attacker: Attacker) -> None:
    attacker.copy_row("cases", "title = 'One'", chain=bytes(16), idx=4)
    attacker.copy_row("members", "account = 'judge'", chain=bytes(16), account="eve", idx=4)
    assert {"table cases", "table members"} <= findings(settings).keys()


@pytest.mark.parametrize("column", ["sha256", "account", "size", "mark"])
def test_an_edited_row_of_evidence(settings: Settings, attacker: Attacker, column: str) -> None:
    index = evidence_index(attacker)
    values = {"sha256": bytes(32), "account": "eve", "size": 5, "mark": bytes(7)}
    attacker.execute(f"UPDATE evidence SET {column} = :value WHERE idx = {index}", {"value": values[column]})  # noqa: S608
    assert "the table of evidence says something else than its openings" in findings(settings)[f"entry {index}"]


@sqlite_alone
def test_a_missing_row_of_evidence(settings: Settings, attacker: Attacker) -> None:
    index = evidence_index(attacker)
    attacker.execute("DELETE FROM evidence WHERE idx = :index", {"index": index})
    assert findings(settings) == {f"entry {index}": "its row in the table of evidence is missing"}


@sqlite_alone
@pytest.mark.parametrize("index", [0, 5000])
def test_evidence_slipped_in(settings: Settings, attacker: Attacker, index: int) -> None:
    """A digest claimed for an entry that anchors something else, or none."""
    attacker.copy_row("evidence", "idx = 9", idx=index, sha256=bytes(32), stored=False)
    assert findings(settings).keys() == {"table evidence"}


@pytest.mark.parametrize("change", ["length = length - 1", "acts = acts + 1", "idx = 0", "idx = 5000, length = 1"])
def test_an_edited_chain(settings: Settings, attacker: Attacker, change: str) -> None:
    longest = "length = (SELECT max(length) FROM chains)"
    assert attacker.execute(f"UPDATE chains SET {change} WHERE {longest}") == 1  # noqa: S608 (texts of our own)
    ((where, what),) = findings(settings).items()
    assert where.startswith("chain ") and what.startswith("its row says length")


@sqlite_alone
@pytest.mark.parametrize("index", [3, 5000])
def test_a_chain_slipped_in(settings: Settings, attacker: Attacker, index: int) -> None:
    attacker.copy_row("chains", "length = (SELECT max(length) FROM chains)", chain=bytes(16), idx=index)
    assert findings(settings) == {f"chain {'00' * 16}": "it has a row and no entries"}


@sqlite_alone
@pytest.mark.parametrize("change", ["size = size - 1", "gen_time = gen_time - 1000", "idx = idx + 1"])
def test_an_edited_row_of_a_token(settings: Settings, attacker: Attacker, change: str) -> None:
    index = int(attacker.value("SELECT idx FROM timestamps"))
    attacker.execute(f"UPDATE timestamps SET {change}")  # noqa: S608 (texts of our own)
    assert "its row in the table of timestamps is missing, or says" in findings(settings)[f"entry {index}"]


def blob_path(settings: Settings) -> Path:
    (path,) = (each for each in settings.blobs.rglob("*") if each.is_file() and each.read_bytes() == FILE)
    return path


@pytest.mark.parametrize("attack", ["edited", "cut", "missing"])
def test_a_stored_file(settings: Settings, attacker: Attacker, attack: str) -> None:
    path = blob_path(settings)
    if attack == "missing":
        path.unlink()
    else:
        path.chmod(0o600)
        path.write_bytes(flipped(FILE) if attack == "edited" else FILE[:-1])
    ((where, what),) = findings(settings).items()  # once, though two entries have it
    assert where == f"file of entry {evidence_index(attacker)} ({path.name})"
    assert what == "it is missing" if attack == "missing" else "expected bytes of sha256" in what


@sqlite_alone
def test_a_store_of_files_that_does_not_work_is_no_damage_to_them(settings: Settings, attacker: Attacker) -> None:
    path = blob_path(settings)
    path.unlink()
    path.symlink_to(path.name)  # which the system refuses to open
    index = evidence_index(attacker)
    ((where, what),) = findings(settings).items()
    assert where == f"file of entry {index} ({path.name})" and "opening a blob: too many levels" in what
    blobs = DirectoryBlobs(settings.blobs)
    (settings.blobs / "incoming").rmdir()
    rows = AuditRows.open(settings.database)
    with pytest.raises(UnavailableError, match="opening a blob"):
        list(audit_files(rows, blobs, 1_000, lambda *_: None))
    rows._engine.dispose()


@sqlite_alone
def test_what_fsck_opened_is_closed_however_it_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    for kind in (SqlStore, DirectoryBlobs):
        monkeypatch.setattr(kind, "close", lambda self: closed.append(type(self).__name__))
    assert list(fsck(settings)) == []
    left = fsck(replace(settings, kept=settings.data / "nowhere"))
    assert "no checkpoint is kept" in next(left).what
    left.close()  # type: ignore[attr-defined]  # a generator, left after the first finding
    (settings.data / "keys").rename(settings.data / "no-keys")
    with pytest.raises(ConfigError):
        list(fsck(settings))
    assert closed == ["DirectoryBlobs", "SqlStore"] * 2 + ["SqlStore"]


@sqlite_alone
def test_a_missing_kept_checkpoint(settings: Settings) -> None:
    (settings.kept / "kept-checkpoint").unlink()
    assert "no checkpoint is kept" in findings(settings)[str(settings.kept / "kept-checkpoint")]


@sqlite_alone
def test_a_kept_checkpoint_of_nobody(settings: Settings) -> None:
    path = settings.kept / "kept-checkpoint"
    path.write_bytes(b"garbage")
    assert "not signed by this log's keys" in findings(settings)[str(path)]


def test_a_rolled_back_database(settings: Settings, copies: Copies, tmp_path: Path) -> None:
    older = copies.database(settings.database, tmp_path / "older.db")
    with opened(settings) as ledger:
        number = anchor_file(ledger, ledger.open_case(ALICE, "Later").case).number
    size = parse_number(number)
    (finding,) = fsck(replace(settings, database=older))
    assert finding.where == "database" and f"the kept checkpoint has size {size + 1}" in finding.what
    assert len(finding.evidence) == 2 and f"\n{size + 1}\n" in finding.evidence[0]
