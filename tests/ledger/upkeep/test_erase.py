"""Erasure: nothing of what was ordered away is left, and all else still verifies."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.config import Settings
from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import derive_salt, opening_bytes
from ledger.errors import ConflictError, ErasedError, ForbiddenError, NotFoundError, UnavailableError
from ledger.store.sql_writer import SqlWriter
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.casework.parties import (
    OPERATOR,
    OPPONENT,
    PARTNER,
    SEALED_NAME,
    SECRET_PLACE,
    STRANGER,
    THIRD,
    anchor_photo,
    kinds,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, Attacker, anchor_file, make_log, opened

ORDER = "order 5 of the district court, 21 November 2026"
PLEAS = ["guilty", "not guilty", "no plea"]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return make_log(tmp_path / "data", database_url)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with opened(settings) as found:
        yield found
    assert list(fsck(settings)) == []


def hashes_of(ledger: Ledger, number: str) -> list[str]:
    """The field hashes that every holder of a bundle has."""
    with zipfile.ZipFile(io.BytesIO(b"".join(ledger.bundle(OPPONENT, number, False).chunks))) as bundle:
        return bundle.read(f"entries/{int(number[3:13])}/hashes").decode().split()


def database_bytes(settings: Settings, dump_to: Path) -> bytes:
    """All that lies in the database: SQLite's files and a copy of it made later; PostgreSQL's rows, as a dump has
    them.
    """
    found = b""
    if settings.embedded:
        file = Path(settings.database.removeprefix("sqlite:///"))
        for path in (file, *file.parent.glob(file.name + "-*")):
            found += path.read_bytes()
        with sqlite3.connect(file) as source, sqlite3.connect(dump_to) as copy:
            source.backup(copy)
        return found + dump_to.read_bytes()
    with Attacker(settings.database) as attacker:
        for table in ("openings", "evidence", "idempotency", "links", "acts", "disclosures", "erasures", "entries"):
            text = attacker.value(f"SELECT coalesce(string_agg(t::text, '|'), '') FROM {table} t")  # noqa: S608
            found += str(text).encode() + bytes.fromhex("".join(re.findall(r"\\x((?:[0-9a-f]{2})*)", str(text))))
    return found


# --- what is left ----------------------------------------------------------------------------------------------------


def test_an_erased_field_of_three_values_cannot_be_recovered(
    ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    case = open_case(ledger)
    said = serialise({"metadata": {"plea": "not guilty", "author": "Xanthippe"}})
    number = anchor_file(ledger, case, b"the record", "record.txt", said, key="k").number
    opening = ledger._store.openings([int(number[3:13])])[int(number[3:13])]
    secret = opening.secret
    assert secret is not None
    salt = derive_salt(secret, "declared.plea")
    targets = set(hashes_of(ledger, number))

    def recovered(remains: bytes) -> set[str]:
        """Try every 16 bytes that lie there as the salt, and every 32 as the secret."""
        found = set()
        for plea in PLEAS:
            for at in range(len(remains) - 15):
                if sha256(b"\0" + opening_bytes("declared.plea", remains[at : at + 16], plea)).hexdigest() in targets:
                    found.add(plea)
        return found

    before = database_bytes(settings, tmp_path / "before.db")
    at = before.index(secret)
    assert recovered(salt) == {"not guilty"}  # with the salt it is three tries
    assert salt == derive_salt(before[at : at + 32], "declared.plea")
    ledger.erase(JUDGE, number, ["declared.plea"], ORDER)
    remains = database_bytes(settings, tmp_path / "after.db")
    for gone in (secret, salt, b"not guilty", secret.hex().encode(), salt.hex().encode()):
        assert gone not in remains
    assert base64.b64encode(salt) not in remains and base64.b64encode(secret) not in remains
    # Whatever surrounds the entry's row is tried as a salt; the row's own bytes all of them.
    left = ledger._store.openings([int(number[3:13])])[int(number[3:13])]
    assert left.secret is None and left.kept is not None
    tried = (
        left.kept + left.fields + b"".join(base64.b64decode(s) for s in re.findall(rb"[A-Za-z0-9+/]{22}==", left.kept))
    )
    assert recovered(tried) == set()
    mac = ledger._store.replay(ALICE.name, "k")
    assert mac is not None and mac.mac == b""
    folder = [path for path in settings.data.rglob("*") if path.is_file()]
    assert [path for path in folder if secret in path.read_bytes() or b"not guilty" in path.read_bytes()] == []


def test_nothing_lingers_in_sqlites_pages_among_many_rows(tmp_path: Path) -> None:
    """Rows of all sizes, rewritten in no order: no page, freed or moved, keeps what was erased."""
    settings = make_log(tmp_path / "data")
    marks = {}
    with opened(settings) as ledger:
        case = open_case(ledger)
        for n in range(120):
            mark = f"MARK-{n:04}-{sha256(b'%d' % n).hexdigest()}"
            said = serialise({"metadata": {"note": mark, "pad": "x" * (37 * n % 9_000)}})
            marks[anchor_file(ledger, case, b"%d" % n, said=said).number] = mark
        erased = [number for at, number in enumerate(marks) if at * 7 % 3 == 0]
        secrets = {n: ledger._store.openings([int(n[3:13])])[int(n[3:13])].secret for n in erased}
        for number in erased:
            ledger.erase(JUDGE, number, ["declared.note"], ORDER)
        remains = database_bytes(settings, tmp_path / "copy.db")
        assert [n for n in erased if marks[n].encode() in remains or secrets[n] in remains] == []  # type: ignore[operator]
        assert all(mark.encode() in remains for n, mark in marks.items() if n not in erased)  # the search finds
    assert list(fsck(settings)) == []


def test_what_survives_is_proven_as_before_and_the_rest_says_erased(ledger: Ledger) -> None:
    case = open_case(ledger)
    number, other = anchor_photo(ledger, case), anchor_photo(ledger, case)
    before = ledger.evidence(ALICE, number)
    kept_bundle = b"".join(ledger.bundle(ALICE, other, True).chunks)
    erased = ledger.erase(JUDGE, number, ["declared.witness", "declared.gps"], ORDER)
    assert erased.fields == ("declared.gps", "declared.witness")
    view = ledger.evidence(ALICE, number)
    assert view.erased == ("declared.gps", "declared.witness") and view.names == before.names
    assert {name: text for name, text in before.openings.items() if name not in view.erased} == view.openings
    assert hashes_of(ledger, number)  # and with them the same root
    assert ledger.evidence(OPPONENT, number).closed == tuple(n for n in view.names if n not in OPEN_NAMES)
    receipt = json.loads(ledger.receipt(ALICE, number))
    assert "secret" not in receipt and SECRET_PLACE not in str(receipt) and SEALED_NAME not in str(receipt)
    assert ledger.file(ALICE, number).size > 0  # the order did not name the file
    assert b"".join(ledger.bundle(ALICE, other, True).chunks)[:2] == kept_bundle[:2]
    event = ledger.desk.demand_view(JUDGE, lodge(ledger, number, "declared.gps").demand).events[0]
    assert (event.kind, event.by) == ("opening.erased", JUDGE.name)


OPEN_NAMES = {
    "file.name", "file.received", "file.size", "file.sha256", "file.sha512", "file.media_type", "submitter.name",
}  # fmt: skip


def test_all_of_an_entry_goes_with_its_file(ledger: Ledger, settings: Settings) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    digest = bytes.fromhex(str(ledger.evidence(ALICE, number).opened["file.sha256"]))
    assert DirectoryBlobs(settings.blobs).exists(digest)
    erased = ledger.erase(JUDGE, number, "all", ORDER)
    assert "file" in erased.fields and set(erased.fields) > OPEN_NAMES
    assert not DirectoryBlobs(settings.blobs).exists(digest)
    view = ledger.evidence(ALICE, number)
    assert (view.opened, set(view.openings), view.has_file) == ({}, {"@names"}, False)
    with pytest.raises(ErasedError) as caught:
        ledger.file(JUDGE, number)
    assert caught.value.number == number
    assert ledger.lookup(JUDGE, digest.hex()) == []
    with Attacker(settings.database) as attacker:
        assert attacker.value("SELECT count(*) FROM evidence WHERE mark IS NOT NULL") == 0
    for call in (
        lambda: lodge(ledger, number),
        lambda: ledger.erase(JUDGE, number, "all", ORDER),
    ):
        with pytest.raises(ConflictError, match="erased"):
            call()
    assert ledger.bundle(OPPONENT, number, True).length > 0
    assert ledger.case_bundle(JUDGE, case).length > 0


def test_a_file_that_another_entry_has_stays(ledger: Ledger, settings: Settings) -> None:
    case = open_case(ledger)
    mine, theirs = anchor_photo(ledger, case), anchor_photo(ledger, case, OPPONENT)
    digest = bytes.fromhex(str(ledger.evidence(ALICE, mine).opened["file.sha256"]))
    ledger.erase(JUDGE, mine, ["file"], ORDER)
    assert DirectoryBlobs(settings.blobs).exists(digest)
    ledger.file(OPPONENT, theirs).stream.close()
    with pytest.raises(ErasedError):
        ledger.file(ALICE, mine)
    ledger.erase(JUDGE, theirs, ["file"], ORDER)
    assert not DirectoryBlobs(settings.blobs).exists(digest)
    again = anchor_photo(ledger, case)  # nobody forbids anchoring it anew
    ledger.file(ALICE, again).stream.close()


def test_with_a_digest_goes_the_file_that_would_tell_it(ledger: Ledger) -> None:
    number = anchor_photo(ledger, open_case(ledger))
    assert ledger.erase(JUDGE, number, ["file.sha256"], ORDER).fields == ("file", "file.sha256")


def test_a_repeated_key_is_told_the_number(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_file(ledger, case, b"x", key="k").number
    ledger.erase(JUDGE, number, ["file.name"], ORDER)
    for data in (b"x", b"other"):
        with pytest.raises(ErasedError) as caught:
            anchor_file(ledger, case, data, key="k")
        assert caught.value.number == number


# --- demands after an erasure ----------------------------------------------------------------------------------------


def test_what_is_erased_is_neither_disclosed_nor_ordered(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    early = lodge(ledger, number, "declared.gps", "declared.author").demand
    shown = lodge(ledger, number, "declared.camera.serial", actor=THIRD).demand
    ledger.desk.disclose(ALICE, shown)
    ledger.erase(JUDGE, number, ["declared.gps", "declared.camera.serial"], ORDER)
    late = lodge(ledger, number, "declared.gps").demand
    assert "declared.camera.serial" not in ledger.evidence(THIRD, number).opened  # also what was shown is gone here
    for demand in (early, late):
        with pytest.raises(ConflictError, match="erased"):
            ledger.desk.disclose(ALICE, demand, fields=["declared.gps"])
        with pytest.raises(ConflictError, match="erased"):
            ledger.desk.rule(JUDGE, demand, "disclose", "r", ["declared.gps"])
    with pytest.raises(ConflictError, match="erased"):
        ledger.desk.disclose(ALICE, late)
    with pytest.raises(ConflictError, match="erased"):
        ledger.desk.reveal(ALICE, number, ["declared.gps"])
    assert ledger.desk.disclose(ALICE, early).state == "disclosed"  # the rest
    assert "declared.author" in ledger.evidence(OPPONENT, number).opened


def test_an_erased_policy_leaves_nothing_open(ledger: Ledger) -> None:
    case = open_case(ledger)
    said = serialise({"metadata": {"note": "secret note"}, "policy": {"file.name": "sealed"}})
    number = anchor_file(ledger, case, said=said).number
    ledger.erase(JUDGE, number, ["system.policy"], ORDER)
    assert ledger.evidence(OPPONENT, number).opened == {}
    with pytest.raises(ForbiddenError, match="sealed"):
        ledger.desk.disclose(ALICE, lodge(ledger, number).demand)


# --- who, and what is no order ---------------------------------------------------------------------------------------


def test_the_court_and_the_operator_on_its_order_erase_and_nobody_else(ledger: Ledger) -> None:
    case = open_case(ledger)
    number = anchor_photo(ledger, case)
    for actor in (ALICE, PARTNER, OPPONENT, THIRD):
        with pytest.raises(ForbiddenError):
            ledger.erase(actor, number, ["declared.gps"], ORDER)
    with pytest.raises(NotFoundError):
        ledger.erase(STRANGER, number, ["declared.gps"], ORDER)
    for names, order in ((["declared.gps"], ""), ([], ORDER), ("declared.gps", ORDER), (["declared.none"], ORDER)):
        with pytest.raises(UnacceptableError):
            ledger.erase(JUDGE, number, names, order)  # type: ignore[arg-type]
    assert kinds(ledger, case)[-1] == "evidence.anchored"
    ledger.erase(OPERATOR, number, ["declared.gps"], ORDER)
    act = ledger.timeline(ALICE, case, 0, 100)[-1]
    assert (act.opened["erasure.order"], act.opened["submitter.name"]) == (ORDER, OPERATOR.name)
    with pytest.raises(ConflictError):
        ledger.erase(JUDGE, number, ["declared.gps"], ORDER)
    second = ledger.erase(JUDGE, number, ["declared.gps", "declared.author"], ORDER)  # from what the first one left
    assert second.fields == ("declared.author",)
    assert ledger.evidence(ALICE, number).erased == ("declared.author", "declared.gps")


# --- cut short -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["remove_unless", "stored_like", "erase", "finish_erasures", "mark_erased"])
def test_an_erasure_cut_short_is_finished_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str, tmp_path: Path
) -> None:
    with opened(settings) as ledger:
        case = open_case(ledger)
        number = anchor_photo(ledger, case)
        target = {
            "remove_unless": "ledger.blobs.directory_blobs.DirectoryBlobs.remove_unless",
            "erase": "ledger.store.sql_writer.SqlWriter.erase",
            "finish_erasures": "ledger.store.sql_store.SqlStore.finish_erasures",
        }.get(step, f"ledger.store.sql_acts.ActReads.{step}")

        def fail(*_: object, **__: object) -> None:
            raise UnavailableError("the disk is gone")

        with monkeypatch.context() as patched:
            patched.setattr(target, fail)
            if step in ("finish_erasures", "mark_erased"):  # nobody is shown it, and who ordered it is told
                assert ledger.erase(JUDGE, number, ["declared.gps", "file"], ORDER).unfinished == "the disk is gone"
            else:
                with pytest.raises(UnavailableError):
                    ledger.erase(JUDGE, number, ["declared.gps", "file"], ORDER)
            # Recorded is recorded: nobody is shown it any more.
            with pytest.raises(ConflictError, match="erased"):
                ledger.desk.disclose(ALICE, lodge(ledger, number, "declared.gps").demand)
            with pytest.raises(ErasedError):
                ledger.file(ALICE, number)
        assert [finding.what for finding in fsck(settings)] == [
            "its erasure is recorded and not finished; a start of the server does it"
        ]
    with opened(settings) as ledger:
        assert ledger._store.unfinished_erasures() == []
        assert ledger.evidence(ALICE, number).erased == ("declared.gps",)
        assert SECRET_PLACE.encode() not in database_bytes(settings, tmp_path / "copy.db")
    assert list(fsck(settings)) == []


def test_a_start_goes_on_where_an_erasure_fails_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_log(tmp_path / "data")
    erase = SqlWriter.erase

    def fail(*_: object) -> None:
        raise UnavailableError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr("ledger.store.sql_writer.SqlWriter.erase", fail)
        with opened(settings) as ledger:
            number = anchor_photo(ledger, open_case(ledger))
            with pytest.raises(UnavailableError):
                ledger.erase(JUDGE, number, ["declared.gps"], ORDER)
        with opened(settings) as ledger:
            assert len(ledger._store.unfinished_erasures()) == 1
        assert "an erasure could not be carried out" in caplog.text
        patched.setattr("ledger.store.sql_store.SqlStore.finish_erasures", fail)
        patched.setattr("ledger.store.sql_writer.SqlWriter.erase", erase)
        with opened(settings) as ledger:
            assert ledger.evidence(ALICE, number).erased == ("declared.gps",)
        assert "old bytes of what was erased may remain" in caplog.text
    assert SECRET_PLACE not in caplog.text


def test_a_reader_who_does_not_let_go_leaves_the_erasure_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His snapshot needs the pages as they were: the log beside the database cannot be emptied yet."""
    monkeypatch.setattr("ledger.store.engine.SQLITE_BUSY_MS", 50)
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        number = anchor_photo(ledger, open_case(ledger))
        reader = sqlite3.connect(settings.database.removeprefix("sqlite:///"), isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM openings").fetchone()
        assert "somebody reads it" in str(ledger.erase(JUDGE, number, ["declared.gps"], ORDER).unfinished)
        assert ledger._erasing.finish_all() == 1
        assert SECRET_PLACE.encode() in database_bytes(settings, tmp_path / "copy.db")
        reader.close()
        assert ledger._erasing.finish_all() == 0
        assert SECRET_PLACE.encode() not in database_bytes(settings, tmp_path / "copy.db")


# --- fsck ------------------------------------------------------------------------------------------------------------


def test_openings_that_are_missing_without_an_order_are_found(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = open_case(ledger)
        number = anchor_photo(ledger, case)
        ledger.erase(JUDGE, number, ["declared.gps"], ORDER)
        index = int(number[3:13])
        row = ledger._store.openings([index])[index]
    assert row.kept is not None
    kept = json.loads(row.kept)
    gone = [text for text in kept["openings"] if not text.startswith('["declared.author"')]
    fields = {name: value for name, value in json.loads(row.fields).items() if name != "declared.author"}
    with Attacker(settings.database) as attacker:
        attacker.execute(
            "UPDATE openings SET kept = :kept, fields = :fields WHERE idx = :idx",
            {
                "kept": serialise({**kept, "openings": gone}),
                "fields": serialise(fields),
                "idx": index,
            },
        )
    found = [finding.what for finding in fsck(settings)]
    assert found == ["openings are missing, and no erasure names them: declared.author"]


def test_what_was_kept_is_held_to_the_leaf(settings: Settings) -> None:
    with opened(settings) as ledger:
        number = anchor_photo(ledger, open_case(ledger))
        ledger.erase(JUDGE, number, ["declared.gps"], ORDER)
        index = int(number[3:13])
        row = ledger._store.openings([index])[index]
    assert row.kept is not None
    for kept, fields in (
        (row.kept.replace(b"Xanthippe", b"Zanthippe"), row.fields),
        (row.kept, row.fields.replace(b"Xanthippe", b"Zanthippe")),
        (row.kept.replace(b'"hashes":["', b'"hashes":["' + b"0" * 64 + b'","', 1), row.fields),
        (b"{}", row.fields),
    ):
        with Attacker(settings.database) as attacker:
            attacker.execute(
                "UPDATE openings SET kept = :kept, fields = :fields WHERE idx = :idx",
                {"kept": kept, "fields": fields, "idx": index},
            )
        assert any(finding.where == f"entry {index}" for finding in fsck(settings))


def test_a_copy_made_before_still_has_it(tmp_path: Path) -> None:
    """What is beyond reach, said by a test: a backup from before. The documents say so."""
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        number = anchor_photo(ledger, open_case(ledger))
    shutil.copytree(settings.data, tmp_path / "backup")
    with opened(settings) as ledger:
        ledger.erase(JUDGE, number, ["declared.gps"], ORDER)
    files = (path for path in (tmp_path / "backup").rglob("*") if path.is_file())
    assert any(SECRET_PLACE.encode() in path.read_bytes() for path in files)
