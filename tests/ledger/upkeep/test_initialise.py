"""`init` makes a log once; a crash in it is gone on from; nothing that has signed is ever begun anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.note_slots import newest_note
from ledger.config import Settings, load_settings
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number
from ledger.errors import ConfigError, ConflictError, LedgerError, RolledBackError
from ledger.keys.key_folder import KeyFolder
from ledger.note.keys import ED25519_COSIGNATURE, Ed25519Signer, format_vkey, parse_vkey
from ledger.note.signed_note import parse_note
from ledger.store.sql_store import SqlStore
from ledger.upkeep import initialise as room
from ledger.upkeep.fsck import fsck
from ledger.upkeep.initialise import initialise
from ledger.upkeep.overview import overview, trust_folder
from tests.ledger.making import ALICE, ORIGIN, MovedClock, anchor_file, make_log, opened
from verifier.trust import parse_trust


def wanted(tmp_path: Path, url: str) -> Settings:
    return load_settings(tmp_path / "data", {"origin": ORIGIN, "database": url}, {})


def test_entry_0_names_the_log_and_its_keys(tmp_path: Path, database_url: str) -> None:
    settings = make_log(tmp_path / "data", database_url)
    store = SqlStore.open(settings.database)
    entry = store.entry(0)
    store.close()
    assert entry is not None and entry.kind == "log.opened"
    public = parse_leaf(entry.leaf).public
    assert public is not None and isinstance(public["vkeys"], list)
    assert {**public, "vkeys": 0} == {"origin": ORIGIN, "v": 1, "vkeys": 0}
    with opened(settings) as ledger:
        assert public["vkeys"] == ledger.log_vkeys()
        assert [parse_vkey(str(each)).type for each in public["vkeys"]] == [1, 6]
        assert ledger.checkpoint() == KeptCheckpoint(settings.kept).read()
    assert overview(settings)["size"] == overview(settings)["published_size"] == 1


def test_a_second_init_changes_nothing(tmp_path: Path, database_url: str) -> None:
    settings = make_log(tmp_path / "data", database_url)
    before = {path: path.read_bytes() for path in (tmp_path / "data/keys").iterdir()}
    with pytest.raises(ConflictError, match="the database has one already") as told:
        initialise(wanted(tmp_path, database_url))
    assert "@" not in str(told.value.where)  # an address is shown without its password
    assert {path: path.read_bytes() for path in (tmp_path / "data/keys").iterdir()} == before
    assert list(fsck(settings)) == []


@pytest.mark.parametrize(
    "step", ["create_development_files", "_write_config", "CheckpointSigner.seal", "_write_entry_0", "second seal"]
)
def test_a_crashed_init_is_gone_on_from(
    tmp_path: Path, sqlite_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        """The process ends here."""

    calls: Iterator[int] = iter(range(9))
    real_seal = room.CheckpointSigner.seal

    def crash(*args: object) -> object:
        if step == "second seal" and next(calls) == 0:
            return real_seal(*args)  # type: ignore[arg-type]  # handed on
        raise Crash

    with monkeypatch.context() as patched:
        target = "CheckpointSigner.seal" if "seal" in step else step
        patched.setattr(f"ledger.upkeep.initialise.{target}", crash)
        with pytest.raises(Crash):
            initialise(wanted(tmp_path, sqlite_url))
    if step == "second seal":  # entry 0 is committed: the log is made, and its first start signs it
        with pytest.raises(ConflictError):
            initialise(wanted(tmp_path, sqlite_url))
    else:
        initialise(wanted(tmp_path, sqlite_url))
    settings = load_settings(tmp_path / "data", {}, {})
    with opened(settings) as ledger:
        anchor_file(ledger, ledger.open_case(ALICE, "After the crash").case)
    assert list(fsck(settings)) == []


@pytest.mark.parametrize("kept", [1, 2])
def test_a_half_made_development_authority_is_made_anew(tmp_path: Path, sqlite_url: str, kept: int) -> None:
    keys = KeyFolder(tmp_path / "data/keys")
    keys.create_log_keys()
    for name in room.DEVELOPMENT_FILES[:kept]:
        keys.write(name, b"half")
    settings = make_log(tmp_path / "data", sqlite_url)
    with opened(settings) as ledger:
        assert ledger.timestamp_reply(b"junk")


def test_keys_that_have_signed_begin_no_second_log(tmp_path: Path, sqlite_url: str) -> None:
    """The database was deleted. A new log under the same keys would be the fork that we promise never to make."""
    settings = make_log(tmp_path / "data", sqlite_url)
    with opened(settings) as ledger:
        ledger.open_case(ALICE, "One")
    for path in tmp_path.glob("ledger.db*"):
        path.unlink()
    kept = (settings.kept / "kept-checkpoint").read_bytes()
    with pytest.raises(RolledBackError, match="a checkpoint of size 2 is kept, and the database is empty") as told:
        initialise(wanted(tmp_path, sqlite_url))
    assert told.value.evidence == (parse_note(newest_note(kept)).text,)
    assert (settings.kept / "kept-checkpoint").read_bytes() == kept
    store = SqlStore.open(settings.database)
    assert (store.head().size, store.newest_checkpoint()) == (0, None)  # nothing was signed
    store.close()
    (settings.kept / "kept-checkpoint").write_bytes(b"garbage")
    with pytest.raises(ConfigError, match="the kept checkpoint is malformed"):
        initialise(wanted(tmp_path, sqlite_url))


def test_another_machine_joins(tmp_path: Path, postgres_url: str) -> None:
    first = make_log(tmp_path / "first", postgres_url)
    with opened(first) as ledger:
        case = ledger.open_case(ALICE, "Shared").case
    known = first.kept / "kept-checkpoint"
    second = load_settings(tmp_path / "second", {"origin": ORIGIN, "database": postgres_url}, {})
    for wrong, words in (({}, "--accept-checkpoint FILE"), ({"accept_checkpoint": known}, "read a key")):
        with pytest.raises(ConfigError, match=words):
            initialise(second, join=True, **wrong)  # type: ignore[arg-type]  # one option
    with pytest.raises(ConflictError, match="joins it with --join"):
        initialise(second)
    shutil.copytree(first.data / "keys", second.data / "keys", dirs_exist_ok=True)
    initialise(second, join=True, accept_checkpoint=known)
    second = load_settings(second.data, {}, {})
    with opened(first) as one, opened(second) as two:
        numbers = [anchor_file(each, case, b"%d" % n).index for n in range(4) for each in (one, two)]
        assert numbers == list(range(2, 10))
        assert [entry.index for entry in one.timeline(ALICE, case, 0, 99)] == list(range(1, 10))
        for each in (one, two):
            served = each.checkpoint()
            assert served is not None and "\n10\n" in parse_note(served).text
            assert each.bundle(ALICE, format_number(9), True).length
    for settings in (first, second):
        assert list(fsck(settings)) == []


def test_joining_needs_a_log(tmp_path: Path, postgres_url: str) -> None:
    SqlStore.create(postgres_url).close()
    (tmp_path / "note").write_bytes(b"")
    with pytest.raises(ConfigError, match="the database has no entries"):
        initialise(wanted(tmp_path, postgres_url), join=True, accept_checkpoint=tmp_path / "note")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file")
    with pytest.raises(LedgerError):
        make_log(tmp_path / "data")


# --- the trust folder ----------------------------------------------------------------------------------------------


def test_the_trust_folder_is_one_that_readers_take(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data")
    files = trust_folder(settings, MovedClock())
    assert set(files) == {"policy", "tsa-operator/development.pem"}  # the development authority proves nothing
    trust = parse_trust(files)
    assert (trust.quorum, trust.authorities) == (0, {})
    with opened(settings) as ledger:
        assert ledger.trust_files() == files
        assert all(vkey.encode() in files["policy"] for vkey in ledger.log_vkeys())


def test_a_policy_that_asks_for_witnesses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    settings = make_log(tmp_path / "data", policy=path)
    path.write_bytes(b"quorum none\n")
    with opened(settings):
        pass
    witness = Ed25519Signer("witness.example", b"w" * 32, ED25519_COSIGNATURE).verifier_key
    asking = f"witness w {format_vkey(witness)}\nquorum w\n".encode()
    path.write_bytes(asking)
    with pytest.raises(ConfigError, match="this version asks no witnesses"), opened(settings):
        pass
    for content, words in ((b"garbage here\n", "read the policy"), (b"quorum nobody\n", "read the policy")):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=words), opened(settings):
            pass
    path.unlink()
    with pytest.raises(ConfigError, match="read the policy"), opened(settings):
        pass
