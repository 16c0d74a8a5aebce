"""Receipts and bundles of a whole ledger: the same bytes twice, of the profile, and judged by the reader's program."""

from __future__ import annotations

import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.entry.canonical_json import parse, serialise
from ledger.entry.receipt_number import parse_number
from ledger.errors import CorruptError, LedgerError, LimitError
from ledger.prove import bundle as room
from ledger.prove.bundle import extension_of
from tests.ledger.making import ALICE, JUDGE, Attacker, anchor_file, make_log, opened, statement
from tests.ledger.prove.zip_reader import read_files
from verifier.check import Outcome
from verifier.result import Result
from verifier.verify import verify

OPPONENT = Actor("opponent", "party")
FILE = b"the evidence"
SAID = b'{"metadata": {"author": "Xanthippe"}, "requisites": {"address": "Almaty"}}'
# No independent authority is trusted here, and so every verdict is without a date: steps 7, 8 are not asked for.
FINE = {Outcome.PASSED, Outcome.NOT_CHECKED}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with opened(make_log(tmp_path_factory.mktemp("bundles") / "data")) as found:
        yield found


@pytest.fixture(scope="module")
def case(ledger: Ledger) -> str:
    made = ledger.open_case(ALICE, "Alice v. opponent").case
    ledger.add_member(ALICE, made, OPPONENT.name, OPPONENT.role, "opposing")
    ledger.add_member(ALICE, made, JUDGE.name, JUDGE.role, "court")
    return made


@pytest.fixture(scope="module")
def number(ledger: Ledger, case: str) -> str:
    found = anchor_file(ledger, case, FILE, "Договор.PDF", SAID).number
    ledger.anchor_batch(ALICE, case, [statement(n) for n in range(300)], None)  # beyond a full tile
    return found


@pytest.fixture
def trust(ledger: Ledger, tmp_path: Path) -> Path:
    folder = tmp_path / "trust"
    for name, data in ledger.trust_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def bundle(ledger: Ledger, actor: Actor, number: str, with_file: bool = True) -> bytes:
    stream = ledger.bundle(actor, number, with_file)
    data = b"".join(stream.chunks)
    assert stream.length == len(data)
    return data


def judged(data: bytes, trust: Path, file: Path | None = None) -> Result:
    path = trust.parent / "judged"
    path.write_bytes(data)
    return verify(path, trust, file=file)


def outcomes(result: Result) -> dict[int, Outcome]:
    return {check.step: check.outcome for check in result.checks}


# --- bundles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [ALICE, OPPONENT, JUDGE], ids=lambda actor: actor.name)
def test_a_bundle_is_the_same_bytes_twice_and_verifies(ledger: Ledger, number: str, trust: Path, actor: Actor) -> None:
    data = bundle(ledger, actor, number)
    assert bundle(ledger, actor, number) == data
    result = judged(data, trust)
    assert result.number == number and result.origin == ledger.settings.origin
    assert {outcome for step, outcome in outcomes(result).items()} <= FINE, result.checks
    assert all(outcomes(result)[step] is Outcome.PASSED for step in (1, 2, 4, 5, 6))
    assert set(result.contents.fields) == set(ledger.evidence(actor, number).opened)
    assert set(result.contents.closed) == set(ledger.evidence(actor, number).closed)


@pytest.mark.parametrize(
    ("actor", "asked", "inside"),
    [(ALICE, True, True), (JUDGE, True, True), (OPPONENT, True, False), (ALICE, False, False), (JUDGE, False, False)],
    ids=lambda value: value.name if isinstance(value, Actor) else str(value),
)
def test_who_gets_the_file(ledger: Ledger, number: str, trust: Path, actor: Actor, asked: bool, inside: bool) -> None:
    data = bundle(ledger, actor, number, asked)
    files = read_files(io.BytesIO(data))
    assert {name: files[name] for name in files if name.startswith("evidence/")} == (
        {f"evidence/{parse_number(number)}.pdf": FILE} if inside else {}
    )
    assert outcomes(judged(data, trust))[3] is (Outcome.PASSED if inside else Outcome.NOT_CHECKED)
    (trust.parent / "brought").write_bytes(FILE)
    assert outcomes(judged(data, trust, trust.parent / "brought"))[3] is Outcome.PASSED
    (trust.parent / "brought").write_bytes(FILE + b" ")
    assert outcomes(judged(data, trust, trust.parent / "brought"))[3] is Outcome.FAILED


def test_a_bundle_holds_exactly_what_its_list_says(ledger: Ledger, number: str) -> None:
    files = read_files(io.BytesIO(bundle(ledger, OPPONENT, number)))
    manifest = parse(files.pop("bundle.json"), where="bundle.json", max_depth=9)
    assert isinstance(manifest, dict) and isinstance(manifest["members"], list)
    assert manifest["members"] == [
        {"name": name, "sha256": sha256(data).hexdigest(), "size": len(data)} for name, data in sorted(files.items())
    ]
    assert (manifest["number"], manifest["subject"], manifest["v"]) == (number, "entry", 1)
    everything = b"".join(files.values())
    assert b"Xanthippe" not in everything and b"Almaty" not in everything


def test_a_changed_bundle_is_refused(ledger: Ledger, number: str, trust: Path) -> None:
    data = bundle(ledger, ALICE, number)
    for old, new in (
        (b"Xanthippe", b"Xanthippa"),
        (FILE, FILE[::-1]),
        (b'"evidence.anchored"', b'"evidence.anchoreD"'),
    ):
        assert old in data
        assert judged(data.replace(old, new), trust).verdict.exit_status == 1


def test_a_case_bundle_holds_the_whole_chain(ledger: Ledger, case: str, number: str, trust: Path) -> None:
    for actor, files in ((ALICE, 1), (OPPONENT, 0), (JUDGE, 1)):
        stream = ledger.case_bundle(actor, case)
        data = b"".join(stream.chunks)
        assert stream.filename == f"{case}.evidence.zip"
        assert data == b"".join(ledger.case_bundle(actor, case).chunks)
        result = judged(data, trust)
        assert outcomes(result)[9] is Outcome.PASSED and set(outcomes(result).values()) <= FINE, result.checks
        assert [entry.seq for entry in result.entries] == list(range(304))
        assert sum(name.startswith("evidence/") for name in read_files(io.BytesIO(data))) == files
    bare = b"".join(ledger.case_bundle(ALICE, case, with_files=False).chunks)
    assert not any(name.startswith("evidence/") for name in read_files(io.BytesIO(bare)))


def test_no_bundle_is_made_that_nobody_would_read(ledger: Ledger, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MEMBERS_MAX", "MEMBER_BYTES_MAX", "ALL_BYTES_MAX"):
        with monkeypatch.context() as patched:
            patched.setattr(room, limit, 10)
            with pytest.raises(LimitError, match="write a bundle: expected at most 10"):
                ledger.bundle(ALICE, number, True)
    bundle(ledger, ALICE, number)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.pdf", "pdf"), ("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("a", "bin"), ("a.", "bin"), (".pdf", "pdf"),
        ("a.toolongext", "bin"), ("a.12345678", "12345678"), ("a.pd f", "bin"), ("a.рус", "bin"), ("a.\u212a", "bin"),
        ("a.p/f", "bin"), ("a.İ", "bin"),
    ],
)  # fmt: skip
def test_extensions(name: str, extension: str) -> None:
    assert extension_of(name) == extension


# --- receipts ------------------------------------------------------------------------------------------------------


def test_a_receipt_verifies_with_the_file(ledger: Ledger, number: str, trust: Path) -> None:
    (trust.parent / "brought").write_bytes(FILE)
    for actor in (ALICE, JUDGE):
        receipt = ledger.receipt(actor, number)
        assert (
            receipt == ledger.receipt(actor, number) == serialise(parse(receipt, where="r", max_depth=9), max_depth=9)
        )
        result = judged(receipt, trust, trust.parent / "brought")
        assert set(outcomes(result).values()) <= FINE
        assert all(outcomes(result)[step] is Outcome.PASSED for step in (1, 2, 3, 4, 5, 6))


def test_a_secret_that_is_another_entrys_is_refused(ledger: Ledger, case: str, number: str, trust: Path) -> None:
    mine = parse(ledger.receipt(ALICE, number), where="r", max_depth=9)
    other = parse(anchor_file(ledger, case, FILE).receipt, where="r", max_depth=9)
    assert isinstance(mine, dict) and isinstance(other, dict)
    forged = serialise({**mine, "secret": other["secret"]}, max_depth=9)
    assert outcomes(judged(forged, trust))[4] is Outcome.FAILED


def test_the_first_receipt_is_proven_at_once(ledger: Ledger, case: str, trust: Path) -> None:
    anchored = anchor_file(ledger, case, b"at once")
    result = judged(anchored.receipt, trust)
    assert all(outcomes(result)[step] is Outcome.PASSED for step in (1, 2, 4, 5, 6))
    with pytest.raises(LedgerError):
        ledger.receipt(ALICE, "EL-0000099999-00")


def edit(attacker: Attacker, table: str, column: str, index: int, old: bytes, new: bytes) -> None:
    now = attacker.value(f"SELECT {column} FROM {table} WHERE idx = {index}")  # noqa: S608 (names of our own)
    assert old in now
    attacker.execute(f"UPDATE {table} SET {column} = :new WHERE idx = {index}", {"new": now.replace(old, new)})  # noqa: S608


# --- what a damaged store gives ------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["file", "opening", "opening's shape", "leaf", "tile"])
def test_nothing_leaves_that_does_not_hold(tmp_path: Path, damage: str) -> None:
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Damaged").case
        number = anchor_file(ledger, case, FILE).number
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(300)], None)
    with opened(settings) as ledger, Attacker(settings.database) as attacker:
        bundle(ledger, ALICE, number)
    index = parse_number(number)
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        if damage == "file":
            (path,) = (each for each in settings.blobs.rglob("*") if each.is_file())
            path.write_bytes(FILE[::-1])
        elif damage == "leaf":
            edit(attacker, "entries", "leaf", index, b'"seq":1', b'"seq":9')
        elif damage == "opening":
            edit(attacker, "openings", "fields", index, b"contract", b"contracT")
        elif damage == "opening's shape":
            edit(attacker, "openings", "fields", index, b"{", b"[")
        else:
            attacker.execute("UPDATE tiles SET hashes = zeroblob(8192)")
    if damage == "tile":
        with pytest.raises(CorruptError), opened(settings):
            pass
        return
    with opened(settings) as ledger, pytest.raises(CorruptError):
        bundle(ledger, ALICE, number)
