"""What is not disclosed is nowhere: in no answer, no bundle, no log line, no file that is left lying about."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.entry.canonical_json import serialise
from ledger.errors import LedgerError
from tests.ledger.casework.parties import (
    CLERK,
    EXPERT,
    NOTARY,
    OPPONENT,
    OPPONENTS_COUNSEL,
    SEALED_NAME,
    SECRET_PLACE,
    STRANGER,
    THIRD,
    anchor_photo,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, anchor_file, make_log, opened

OTHERS = (OPPONENT, OPPONENTS_COUNSEL, THIRD, NOTARY, CLERK, EXPERT, JUDGE, STRANGER)


def everything(ledger: Ledger, case: str, number: str, actor: Actor) -> bytes:
    """All that this actor can get to read, refusals included."""
    found = io.BytesIO()
    for call in (
        lambda: ledger.case(actor, case),
        lambda: ledger.cases(actor, -1, 100),
        lambda: ledger.timeline(actor, case, 0, 100),
        lambda: ledger.evidence(actor, number),
        lambda: ledger.receipt(actor, number),
        lambda: b"".join(ledger.bundle(actor, number, True).chunks),
        lambda: b"".join(ledger.case_bundle(actor, case).chunks),
        lambda: ledger.desk.demands(actor, case),
        lambda: ledger.desk.challenges(actor, number),
        lambda: ledger.desk.standings(actor, case),
        lambda: ledger.desk.disclose(actor, ledger.desk.demands(ALICE, case)[0].demand, fields=["declared.gps"]),
        lambda: ledger.desk.reveal(actor, number, ["declared.gps"]),
        lambda: ledger.desk.demand(actor, number, fields=["declared.gps", "Bad"], grounds="g"),
        lambda: ledger.lookup(actor, "00" * 32),
        lambda: ledger.status(),
    ):
        try:
            result = call()
        except LedgerError as error:
            result = f"{error!r} {error.args}"
        found.write(result if isinstance(result, bytes) else str(result).encode())
    return found.getvalue()


def test_undisclosed_values_are_found_in_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = make_log(tmp_path / "data")
    secrets = [each.encode() for each in (SECRET_PLACE, SEALED_NAME, "Xanthippe", "SN-4711")]
    with opened(settings) as ledger:
        case = open_case(ledger)
        number = anchor_photo(ledger, case)
        lodge(ledger, number, "declared.gps")
        ledger.desk.challenge(OPPONENT, number, ["author"], ["declared.author"], "who took it?")
        for actor in OTHERS:
            told = everything(ledger, case, number, actor)
            assert [secret for secret in secrets if secret in told] == [], actor
        assert all(secret in everything(ledger, case, number, ALICE) for secret in secrets)  # the search finds
    assert [record for record in caplog.records if any(s.decode() in record.getMessage() for s in secrets)] == []
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and "ledger.db" not in path.name]
    assert [path for path in left if any(secret in path.read_bytes() for secret in secrets)] == []


def test_a_closed_value_is_not_guessed_from_a_bundle(tmp_path: Path) -> None:
    """A field of two possible values: nothing that the opponent holds tells which."""
    with opened(make_log(tmp_path / "data")) as ledger:
        case = open_case(ledger)
        number = anchor_file(ledger, case, said=b'{"metadata": {"guilty": true}}').number
        lodge(ledger, number, "declared.guilty")
        told = everything(ledger, case, number, OPPONENT)
        salts = re.findall(rb'\[\\?"[@a-z0-9_.]+\\?",\\?"([A-Za-z0-9+/]{22}==)', told)
        assert salts
        hashes = set(re.findall(rb"[0-9a-f]{64}", told))
        for salt in {*salts, b"A" * 22 + b"=="}:
            for value in (b"true", b"false"):
                opening = b'["declared.guilty","' + salt + b'",' + value + b"]"
                assert sha256(b"\0" + opening).hexdigest().encode() not in hashes


def test_salts_are_never_used_twice(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        case = open_case(ledger)
        for _ in range(20):
            anchor_photo(ledger, case)  # the same content each time
        lodge(ledger, anchor_photo(ledger, case))
        stream = io.BytesIO(b"".join(ledger.case_bundle(ALICE, case).chunks))
    salts = []
    with zipfile.ZipFile(stream) as bundle:
        for name in bundle.namelist():
            if re.fullmatch(r"entries/\d+/fields/\d+\.json", name):
                salts.append(json.loads(bundle.read(name))[1])
    assert len(salts) > 300
    assert len(set(salts)) == len(salts)


def members_of(ledger: Ledger, number: str, actor: Actor) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(ledger.bundle(actor, number, True).chunks))) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


class _Counted:
    """Stands in for randomness: the same secrets in the same order, so that two ledgers differ in what differs."""

    def __init__(self) -> None:
        self.n = 0

    def token_bytes(self, size: int) -> bytes:
        self.n += 1
        return self.n.to_bytes(size, "big")

    def token_hex(self, size: int) -> str:
        return self.token_bytes(size).hex()


class _StoppedClock:
    def now_ms(self) -> int:
        return 1_800_000_000_000

    def monotonic(self) -> float:
        return 0.0


def test_bundles_with_equal_disclosures_differ_in_hashes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ledgers, the same but for values that nobody disclosed, of other types, lengths and depths."""
    told = []
    for n, value in enumerate([False, {"a": ["long " * 999, {"deep": [[["er"]]]}]}]):
        settings = make_log(tmp_path / f"data{n}")
        monkeypatch.setattr("ledger.commit.prepared.secrets", _Counted())
        with opened(settings, clock=_StoppedClock()) as ledger:
            case = open_case(ledger)
            said = serialise({"metadata": {"author": "X", "plea": value}})
            number = anchor_file(ledger, case, b"contract", said=said).number
            demand = lodge(ledger, number, "declared.author").demand
            ledger.desk.disclose(ALICE, demand)
            told.append(members_of(ledger, number, OPPONENT))
    first, second = told
    assert first.keys() == second.keys()
    differ = {name for name in first if first[name] != second[name]}
    subject = next(name for name in first if name.endswith("/hashes"))
    # Commitments and field hashes, and what is computed from them: proofs, checkpoints; and each log has its own keys.
    allowed = re.compile(r"entries/\d+/(leaf\.json|proof\.tlog-proof)|trust/.*|bundle\.json|README\.txt")
    assert {name for name in differ if not allowed.fullmatch(name)} == {subject}
    a, b = (set(each[subject].split()) for each in told)
    assert len(a - b) == len(b - a) == 1
    for name in differ:
        if name.endswith("leaf.json"):
            one, two = (json.loads(each[name]) for each in told)
            assert {key for key in one if one[key] != two[key]} <= {"fields", "prev"}
            assert one["fields"]["count"] == two["fields"]["count"]
    sizes = [{name: len(data) for name, data in each.items() if not name.startswith("trust/")} for each in told]
    sizes = [{name: size for name, size in each.items() if name != "bundle.json"} for each in sizes]
    assert sizes[0] == sizes[1]
