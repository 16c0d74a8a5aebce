"""`evidence-verify answer` against an honest ledger: each name's state, and the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import DUE, FakeLedger
from tests.verifier.log_forge import FILE, WITNESS, anchored_fields, number
from tests.verifier.programs import Program
from verifier.result import Verdict

AUTHOR, CREATED, LAT, LON, VERSION = (
    "extracted.author",
    "extracted.created_at",
    "extracted.gps.lat",
    "extracted.gps.lon",
    "extracted.version",
)


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def test_opened_absent_and_never_committed(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, VERSION, "extracted.zebra"])
    ledger.answer(demand, "disclosed", [AUTHOR, VERSION])
    run = program.answer(ledger, demand)
    assert run.status == 0 and run.json["verdict"] == Verdict.VERIFIED
    assert run.json["answers"] == {
        AUTHOR: {"state": "opened", "value": "Serik"},
        VERSION: {"state": "absent", "value": None},
        "extracted.zebra": {"state": "never committed"},
    }
    found = run.json["demand"]
    assert found["id"] == number(demand.index) and found["number"] == ledger.number
    assert found["object"] == "fields" and found["fields"] == [AUTHOR, VERSION, "extracted.zebra"]
    assert found["grounds"] == "no date is shown" and found["by"] == "someone" and found["due_at"] == DUE
    assert found["state"] == "disclosed" and [event["kind"] for event in found["events"]] == ["metadata.disclosed"]
    assert run.json["contradictions"] == []
    assert [check["step"] for check in run.json["checks"]] == list(range(1, 12))
    assert ledger.requests == [
        f"GET /api/v1/demands/{number(demand.index)}",
        f"GET /api/v1/evidence/{ledger.number}/bundle?file=false",
        "GET /checkpoint",
        "GET /tile/0/000.p/6",
        "GET /tile/entries/000.p/6",
    ]


def test_nothing_came_yet(ledger: FakeLedger, program: Program) -> None:
    run = program.answer(ledger, ledger.demand([AUTHOR, "extracted.zebra"]))
    assert run.status == 3 and run.states == {AUTHOR: "closed", "extracted.zebra": "never committed"}
    assert run.json["demand"]["state"] == "asked" and run.json["verdict"] == "incomplete"


def test_refused_with_the_reason(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    refusal = ledger.refuse(demand)
    run = program.answer(ledger, demand)
    assert run.status == 0
    answer = {"state": "refused", "reason": "a secret protected by law", "entry": number(refusal.index)}
    assert run.json["answers"] == {AUTHOR: answer} and run.json["demand"]["state"] == "refused"


def test_what_is_open_is_open_whatever_was_said(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.refuse(demand)
    ledger.erase(AUTHOR)
    ledger.opened.add(AUTHOR)
    assert program.answer(ledger, demand).states == {AUTHOR: "opened"}


def test_ordered_and_not_obeyed(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, CREATED])
    ledger.refuse(demand)
    ledger.rule(demand, "disclose", [AUTHOR])
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {AUTHOR: "ordered", CREATED: "refused"}
    assert run.json["demand"]["state"] == "ordered"
    ledger.refuse(demand, "still no")  # an order stands against the one it was made to
    assert program.answer(ledger, demand).states == {AUTHOR: "ordered", CREATED: "refused"}
    ledger.answer(demand, "disclosed", [AUTHOR])
    run = program.answer(ledger, demand)
    assert run.status == 0 and run.states == {AUTHOR: "opened", CREATED: "refused"}


def test_a_refusal_that_was_upheld(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.rule(demand, "uphold-refusal", reason="medical secrecy")
    run = program.answer(ledger, demand)
    assert run.status == 0 and run.json["answers"][AUTHOR]["reason"] == "medical secrecy"
    assert run.json["demand"]["state"] == "upheld"


def test_erased_outlasts_a_refusal(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, CREATED])
    ledger.refuse(demand)
    erasure = ledger.erase(AUTHOR)
    run = program.answer(ledger, demand)
    assert run.status == 0 and run.states == {AUTHOR: "erased", CREATED: "refused"}
    assert run.json["answers"][AUTHOR]["entry"] == number(erasure.index)
    assert run.json["answers"][AUTHOR]["reason"] == "order 7 of the court of Almaty"
    assert [found["fields"] for found in run.json["erasures"]] == [[AUTHOR]]


@pytest.mark.parametrize(
    ("kind", "named", "reason"),
    [
        ("disclosed", [AUTHOR], "says it was opened"),
        ("partly", [AUTHOR], "says it was opened"),
        ("not_held", [], "not held"),
        ("produced_later", [], "committed after the demand"),
    ],
)
def test_an_answer_that_leaves_it_closed(
    ledger: FakeLedger, program: Program, kind: str, named: list[str], reason: str
) -> None:
    demand = ledger.demand([AUTHOR])
    later = ledger.log.append("evidence.anchored", fields=anchored_fields(extracted__author="invented"))
    ledger.answer(demand, kind, named, relation__produced=later.index)
    ledger.opened.discard(AUTHOR)
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {AUTHOR: "closed"} and run.json["demand"]["state"] == kind
    assert reason in run.json["answers"][AUTHOR]["reason"]


def test_lapsed(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.lapse(demand)
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {AUTHOR: "closed"} and run.json["demand"]["state"] == "lapsed"
    assert "without an answer" in run.json["answers"][AUTHOR]["reason"]


def test_prefixes_and_all(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, "extracted.gps.*", "extracted.nothing.*"])
    ledger.answer(demand, "partly", [LAT])
    states = {LAT: "opened", LON: "closed", "extracted.nothing.*": "never committed", AUTHOR: "closed"}
    assert program.answer(ledger, demand).states == states
    everything = ledger.demand("all")
    found = program.answer(ledger, everything).states
    assert set(found) == {
        *(AUTHOR, CREATED, LAT, LON, VERSION),
        *("file.name", "file.size", "file.sha256", "file.sha512", "file.media_type", "submitter.name"),
    }
    assert found["submitter.name"] == "opened" and found[CREATED] == "closed"


@pytest.mark.parametrize("demanded", ["original", "inspection"])
def test_what_no_bundle_can_show(ledger: FakeLedger, program: Program, demanded: str) -> None:
    demand = ledger.demand([], object=demanded)
    assert program.answer(ledger, demand).states == {demanded: "closed"}
    ledger.rule(demand, "disclose")
    assert program.answer(ledger, demand).states == {demanded: "ordered"}
    refused = ledger.demand([], object=demanded)
    ledger.refuse(refused)
    assert program.answer(ledger, refused).status == 0


def test_the_file(ledger: FakeLedger, program: Program, tmp_path: Path) -> None:
    demand = ledger.demand([], object="file")
    ledger.answer(demand, "disclosed", ["file", "file.size", "file.sha256", "file.sha512"])
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_bytes(FILE)
    wrong.write_bytes(FILE + b"!")
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {"file": "closed"}
    assert program.answer(ledger, demand, "--file", right).json["answers"] == {"file": {"state": "opened"}}
    assert program.answer(ledger, demand, "--file", right).status == 0
    run = program.answer(ledger, demand, "--file", wrong)
    assert run.status == 1 and run.failed == [3]
    ledger.erase("file")
    assert program.answer(ledger, demand).states == {"file": "erased"}


def test_with_the_bundle_at_hand(ledger: FakeLedger, program: Program, tmp_path: Path) -> None:
    held = tmp_path / "held.zip"
    held.write_bytes(ledger.bundle())
    demand = ledger.demand([AUTHOR])
    ledger.answer(demand, "disclosed", [AUTHOR])
    run = program.answer(ledger, demand, "--bundle", held)
    assert run.status == 0 and "consistent with the checkpoint of the bundle at hand" in run.detail(6)
    assert any("/tile/0/" in path for path in ledger.requests)
    newest = tmp_path / "newest.receipt.json"
    newest.write_bytes(ledger.log.receipt(ledger.evidence))
    assert program.answer(ledger, demand, "--bundle", newest).status == 0


@pytest.mark.parametrize("before", [1, 200, 260])
def test_consistency_over_more_than_one_tile(ledger: FakeLedger, program: Program, tmp_path: Path, before: int) -> None:
    for _ in range(before):
        ledger.log.append("evidence.read", "b" * 32, fields={"a": 1})
    held = tmp_path / "held.zip"
    held.write_bytes(ledger.bundle())
    demand = ledger.demand([AUTHOR])
    ledger.refuse(demand)
    for _ in range(300):
        ledger.log.append("evidence.read", "b" * 32, fields={"a": 1})
    assert program.answer(ledger, demand, "--bundle", held).status == 0


def test_what_was_demanded_is_closed_or_malformed(ledger: FakeLedger, program: Program) -> None:
    for changes in (
        {"closed": ["demand.fields"]},
        {"closed": ["demand.object"]},
        {"demand__fields": [AUTHOR, AUTHOR]},
        {"demand__fields": [LAT, AUTHOR]},
        {"demand__fields": ["<b>"]},
        {"demand__fields": []},
        {"demand__fields": AUTHOR},
        {"demand__fields": {AUTHOR: 1}},
        {"demand__object": "fields "},
    ):
        options: dict[str, Any] = dict(changes)
        demand = ledger.demand(options.pop("demand__fields", [AUTHOR]), **options)
        run = program.answer(ledger, demand)
        assert run.status == 3 and run.json["answers"] == {}, changes


def test_a_step_that_the_readers_trust_requires(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.refuse(demand)
    policy = ledger.trust / "policy"
    policy.write_text(policy.read_text().replace("quorum none\n", f"witness w {WITNESS.vkey}\nquorum w\n"))
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {AUTHOR: "refused"}


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_text(ledger: FakeLedger, program: Program, language: str) -> None:
    demand = ledger.demand([AUTHOR, CREATED, "extracted.zebra"])
    ledger.refuse(demand)
    ledger.opened.add(AUTHOR)
    run = program.answer(ledger, demand, "--lang", language, as_json=False)
    assert run.status == 0
    lines = run.out.splitlines()
    assert lines[0].split(":")[0] in ("VERIFIED", "РАСТАЛДЫ", "ПОДТВЕРЖДЕНО")
    assert "Serik" in run.out and "a secret protected by law" in run.out and "extracted.zebra" in run.out


def test_it_reads_the_demand_only_where_it_is_one(ledger: FakeLedger, program: Program) -> None:
    assert program.answer(ledger, "EL-0000000009-00").status == 2
    assert program.answer(ledger, "nonsense").status == 2
    assert program.answer(ledger, number(900)).status == 2  # the server knows none
