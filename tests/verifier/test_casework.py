"""Casework in a verification's result: read from proven entries of a bundle, and from nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import CHAIN, DUE, FakeLedger, Members
from tests.verifier.log_forge import FILE, ForgedEntry, number
from tests.verifier.zip_forge import bundle
from verifier.report import LANGUAGES, text_report
from verifier.result import Result
from verifier.verify import verify

AUTHOR, CREATED = "extracted.author", "extracted.created_at"
WHEN = "2024-03-02T09:00:00.000Z"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


def run(ledger: FakeLedger, members: Members | None = None, *, trust: bool = True, **about: str) -> Result:
    path = ledger.folder / "input"
    path.write_bytes(bundle(members or ledger.members(), **(about or {"number": ledger.number})))
    return verify(path, ledger.trust if trust else None)


def json_of(ledger: FakeLedger, **options: Any) -> Any:
    return run(ledger, **options).to_json()


def test_an_entry_without_casework(ledger: FakeLedger) -> None:
    found = json_of(ledger)
    assert found["demands"] == [] and found["challenges"] == [] and found["erasures"] == []


def test_a_demand_and_its_answers(ledger: FakeLedger) -> None:
    demand = ledger.demand([AUTHOR, CREATED, "extracted.zebra"])
    answer = ledger.answer(demand, "partly", [AUTHOR])
    refusal = ledger.refuse(demand)
    (found,) = json_of(ledger)["demands"]
    assert found == {
        "id": number(demand.index),
        "number": ledger.number,
        "object": "fields",
        "fields": [AUTHOR, CREATED, "extracted.zebra"],
        "grounds": "no date is shown",
        "by": "someone",
        "time": WHEN,
        "not_before": None,
        "not_after": None,
        "due_at": DUE,
        "due_basis": "the court's usual term",
        "state": "refused",
        "events": [
            {"number": number(entry.index), "kind": kind, "time": WHEN, "by": "someone"}
            for entry, kind in ((answer, "metadata.disclosed"), (refusal, "demand.refused"))
        ],
        "answers": {
            AUTHOR: {"state": "opened", "value": "Serik"},
            CREATED: {"state": "refused", "reason": "a secret protected by law", "entry": number(refusal.index)},
            "extracted.zebra": {"state": "never committed"},
        },
    }


STATES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "asked": [],
    "disclosed": [("answer", {"kind": "disclosed"})],
    "partly": [("refuse", {}), ("answer", {"kind": "partly"})],
    "not_held": [("answer", {"kind": "not_held"})],
    "produced_later": [("answer", {"kind": "produced_later"})],
    "refused": [("lapse", {}), ("refuse", {})],
    "lapsed": [("lapse", {})],
    "ordered": [("refuse", {}), ("rule", {"order": "disclose"}), ("refuse", {}), ("lapse", {})],
    "upheld": [("refuse", {}), ("rule", {"order": "uphold-refusal"}), ("lapse", {})],
}


@pytest.mark.parametrize("state", STATES)
def test_the_state_that_the_acts_leave(ledger: FakeLedger, state: str) -> None:
    demand = ledger.demand([AUTHOR])
    for act, options in STATES[state]:
        getattr(ledger, act)(demand, **options)
    assert json_of(ledger)["demands"][0]["state"] == state


def test_an_unknown_answer_or_ruling_changes_nothing(ledger: FakeLedger) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.answer(demand, "perhaps")
    ledger.act("demand.ruled", relation__demand=demand.index, ruling__order="burn", ruling__fields=[AUTHOR])
    (found,) = json_of(ledger)["demands"]
    assert found["state"] == "asked" and found["answers"][AUTHOR]["state"] == "closed"


def challenge(ledger: FakeLedger, **changes: Any) -> ForgedEntry:
    members = {"challenge__heads": ["author", "time"], "challenge__fields": [], "challenge__grounds": "not his hand"}
    return ledger.act("authenticity.challenged", **{**members, **changes})


def test_challenges_and_admissions(ledger: FakeLedger) -> None:
    first, second, third = challenge(ledger), challenge(ledger, challenge__fields=[AUTHOR]), challenge(ledger)
    ledger.act("authenticity.admitted", challenge__fields=[CREATED], challenge__grounds=None)
    ledger.act("challenge.answered", relation__challenge=first.index, answer__text="it is")
    for ruled, order in ((second, "dismissed"), (third, "upheld"), (third, "undecided")):
        ledger.act("challenge.ruled", relation__challenge=ruled.index, ruling__order=order, ruling__reason="because")
    found = json_of(ledger)["challenges"]
    assert [one["state"] for one in found] == ["answered", "dismissed", "upheld", "admitted"]
    assert found[0]["heads"] == ["author", "time"] and found[0]["fields"] == []
    assert found[0]["grounds"] == "not his hand"
    assert found[1]["fields"] == [AUTHOR] and found[3]["kind"] == "authenticity.admitted" and found[3]["heads"] is None
    assert found[0]["events"][0]["text"] == "it is" and found[1]["events"][0]["text"] == "because"
    fourth = challenge(ledger, closed=["submitter.name", "challenge.grounds"])
    last = json_of(ledger)["challenges"][-1]
    assert last["id"] == number(fourth.index) and last["state"] == "challenged"
    assert last["by"] is None and last["grounds"] is None


def test_an_erased_digest_makes_the_verdict_incomplete_and_says_why(ledger: FakeLedger) -> None:
    ledger.opened |= {"file.name", "file.size", "file.sha256", "file.sha512"}
    members = {**ledger.members(), "evidence/2.jpeg": FILE}
    assert run(ledger, members).verdict == "verified"
    erasure = ledger.erase("file.sha256", AUTHOR)
    ledger.opened -= {"file.sha256"}
    members = {**ledger.members(), "evidence/2.jpeg": FILE}
    result = json_of(ledger, members=members)
    assert result["verdict"] == "incomplete"
    said = f"file.sha256 erased on order, see {number(erasure.index)}; the commitment is intact"
    assert said in result["checks"][2]["detail"]
    (found,) = result["erasures"]
    assert found["fields"] == [AUTHOR, "file.sha256"] and found["order"] == "order 7 of the court of Almaty"


def test_an_erased_file(ledger: FakeLedger) -> None:
    ledger.opened |= {"file.name", "file.size", "file.sha256", "file.sha512"}
    assert "erased" not in run(ledger).checks[2].detail
    erasure = ledger.erase("file")
    result = run(ledger)
    assert result.verdict == "incomplete"
    assert f"file erased on order, see {number(erasure.index)}" in result.checks[2].detail


def test_nothing_is_read_from_what_is_not_proven(ledger: FakeLedger) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.refuse(demand)
    members = ledger.members()
    proof = f"entries/{demand.index}/proof.tlog-proof"
    result = run(ledger, {**members, proof: members[proof].replace(b"index 4", b"index 5")})
    assert result.verdict == "not verified" and result.casework.demands == ()
    opening = b'["answer.reason","AAAAAAAAAAAAAAAAAAAAAA==","x"]'
    result = run(ledger, {**members, f"entries/{demand.index + 1}/fields/1.json": opening})
    assert result.verdict == "not verified" and [found.state for found in result.casework.demands] == ["asked"]


def test_nothing_is_read_from_a_log_whose_signature_is_refuted(ledger: FakeLedger) -> None:
    ledger.demand([AUTHOR])
    text = ledger.log.text()
    checkpoint = ledger.log.checkpoint().replace(text, ledger.log.text(4), 1)
    assert checkpoint != ledger.log.checkpoint()
    assert run(ledger, ledger.members(checkpoint=checkpoint)).casework.demands == ()


def test_a_cases_bundle_holds_the_casework_of_each_evidence(ledger: FakeLedger) -> None:
    first, second = ledger.demand([AUTHOR]), ledger.demand([CREATED], evidence=ledger.other.index)
    ledger.act("demand.refused", evidence=ledger.other.index, relation__demand=first.index, answer__reason="crossed")
    ledger.act("opening.erased", evidence=ledger.other.index, erasure__fields=[AUTHOR], erasure__order="of another")
    found = json_of(ledger, members=ledger.log.members(*ledger.log_entries()), case=CHAIN)["demands"]
    assert [(one["id"], one["number"], one["state"]) for one in found] == [
        (number(first.index), ledger.number, "asked"),
        (number(second.index), number(ledger.other.index), "asked"),
    ], "a refusal of another evidence's entry is none of this demand"


def test_without_trust_casework_is_shown_under_an_incomplete_verdict(ledger: FakeLedger) -> None:
    ledger.demand([AUTHOR])
    result = run(ledger, trust=False)
    assert result.verdict == "incomplete" and len(result.casework.demands) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_report_tells_it(ledger: FakeLedger, language: str) -> None:
    demand = ledger.demand([AUTHOR, CREATED, "extracted.zebra"], demand__grounds="no \u202edate")
    ledger.answer(demand, "partly", [AUTHOR])
    ledger.refuse(demand, "a secret\nprotected by law")
    challenge(ledger)
    ledger.erase(CREATED)
    text = text_report(run(ledger), language)
    for expected in (number(demand.index), "no \\u{202e}date", "Serik", "extracted.zebra", "not his hand", "order 7"):
        assert expected in text
    english = text_report(run(ledger), "en")
    assert "extracted.created_at – erased on order, commitment intact: order 7 of the court of Almaty" in english
    assert "extracted.zebra – never recorded" in english
    for line in english.splitlines():
        assert WHEN not in line or f"says {WHEN}" in line, "no claimed date stands without says"
