"""`evidence-verify answer` against a ledger that lies: each lie by its name, each refused at its step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import FakeLedger, Members, Reply, json_reply
from tests.verifier.log_forge import CHAIN, STRANGER, ForgedEntry, jcs, number
from tests.verifier.programs import Program
from tests.verifier.zip_forge import bundle

AUTHOR, CREATED = "extracted.author", "extracted.created_at"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def answered(ledger: FakeLedger) -> ForgedEntry:
    """A demand for the author that was answered honestly."""
    demand = ledger.demand([AUTHOR])
    ledger.answer(demand, "disclosed", [AUTHOR])
    return demand


def held(ledger: FakeLedger) -> Path:
    path = ledger.folder / "held.zip"
    path.write_bytes(ledger.bundle())
    return path


def place(ledger: FakeLedger, name: str) -> str:
    """The member that holds a name's opening."""
    names = [json.loads(opening)[0] for opening in ledger.evidence.openings]
    return f"entries/{ledger.evidence.index}/fields/{names.index(name)}.json"


def replaced(member: str, data: bytes | None) -> Callable[[Members], Members]:
    def tamper(members: Members) -> Members:
        assert members.get(member) != data, "nothing is changed"
        changed = {**members, member: data or b""}
        return changed if data is not None else {name: held for name, held in members.items() if name != member}

    return tamper


def opening(ledger: FakeLedger, name: str, at: int, value: Any) -> bytes:
    items = json.loads(next(data for data in ledger.evidence.openings if json.loads(data)[0] == name))
    items[at] = value
    return jcs(items)


OPENINGS: dict[str, tuple[int, Any]] = {
    "a changed value": (2, "Marat"),
    "a value made null": (2, None),
    "a changed salt": (1, "AAAAAAAAAAAAAAAAAAAAAA=="),
    "another name": (0, CREATED),
    "a name that is not committed": (0, "extracted.zebra"),
}


@pytest.mark.parametrize(("at", "value"), OPENINGS.values(), ids=OPENINGS.keys())
def test_a_changed_opening(ledger: FakeLedger, program: Program, at: int, value: Any) -> None:
    demand = answered(ledger)
    ledger.tamper = replaced(place(ledger, AUTHOR), opening(ledger, AUTHOR, at, value))
    run = program.answer(ledger, demand)
    assert run.status == 1 and 4 in run.failed and run.json["answers"] == {}


def test_another_position(ledger: FakeLedger, program: Program) -> None:
    demand = answered(ledger)
    right, wrong = place(ledger, AUTHOR), place(ledger, CREATED)
    ledger.tamper = lambda members: {wrong if name == right else name: data for name, data in members.items()}
    run = program.answer(ledger, demand)
    assert run.status == 1 and 4 in run.failed


def test_another_entrys_field(ledger: FakeLedger, program: Program) -> None:
    """`submitter.name` of the demand in place of the evidence's: a right opening in the wrong entry."""
    demand = answered(ledger)
    foreign = next(data for data in demand.openings if json.loads(data)[0] == "submitter.name")
    ledger.tamper = replaced(place(ledger, "submitter.name"), foreign)
    run = program.answer(ledger, demand)
    assert run.status == 1 and 4 in run.failed


@pytest.mark.parametrize("hashes", [0, -65])
def test_another_count(ledger: FakeLedger, program: Program, hashes: int) -> None:
    demand = answered(ledger)
    folder = f"entries/{ledger.evidence.index}"
    if hashes:
        ledger.tamper = lambda members: {**members, f"{folder}/hashes": members[f"{folder}/hashes"][:hashes]}
    else:
        leaf = json.loads(ledger.evidence.leaf)
        leaf["fields"]["count"] -= 1
        ledger.tamper = replaced(f"{folder}/leaf.json", jcs(leaf))
    run = program.answer(ledger, demand)
    assert run.status == 1 and 4 in run.failed


@pytest.mark.parametrize("with_bundle", [False, True])
def test_another_leaf(ledger: FakeLedger, program: Program, with_bundle: bool) -> None:
    demand = answered(ledger)
    options = ["--bundle", held(ledger)] if with_bundle else []
    folder = f"entries/{ledger.evidence.index}"
    own = f"{folder}/"
    foreign = ledger.log.members(ledger.other)
    moved = {name.replace(f"entries/{ledger.other.index}/", own): data for name, data in foreign.items()}
    ledger.tamper = lambda members: {
        **{name: data for name, data in members.items() if not name.startswith(own)},
        **moved,
        f"{folder}/proof.tlog-proof": members[f"{folder}/proof.tlog-proof"],
    }
    run = program.answer(ledger, demand, *options)
    assert run.status == 1 and 5 in run.failed and (6 in run.failed) == with_bundle
    assert "a fork" in run.detail(6) or not with_bundle


def test_a_checkpoint_that_the_log_did_not_sign(ledger: FakeLedger, program: Program) -> None:
    demand = answered(ledger)
    forged = ledger.log.checkpoint(signers=[STRANGER])
    ledger.tamper = lambda members: ledger.members(checkpoint=forged)
    run = program.answer(ledger, demand)
    assert run.status == 1 and run.failed == [6] and run.json["answers"] == {}


def test_a_wrong_number(ledger: FakeLedger, program: Program) -> None:
    demand = answered(ledger)
    bundle_at_hand = held(ledger)
    ledger.stated_number = number(ledger.other.index)
    run = program.answer(ledger, demand)
    assert run.status == 1 and run.failed == [5] and "does not hold the demand's entry" in run.detail(5)
    ledger.requests.clear()
    run = program.answer(ledger, demand, "--bundle", bundle_at_hand)
    assert run.status == 1 and run.failed == [5] and "the bundle at hand is of" in run.detail(5)
    assert len(ledger.requests) == 1, "nothing is fetched for a number that is not the reader's"
    ledger.stated_number = number(demand.index)
    run = program.answer(ledger, demand)
    assert run.status == 1 and run.failed == [5]
    ledger.stated_number = number(demand.index + 1)
    assert program.answer(ledger, demand).failed == [5]
    ledger.stated_number = "EL-0000000002-93"
    assert program.answer(ledger, demand).status == 2


def test_a_bundle_of_another_number(ledger: FakeLedger, program: Program) -> None:
    """Asked for the evidence, the server gives the bundle of the other one, with everything in it right."""
    demand = answered(ledger)
    other = bundle(ledger.members(evidence=ledger.other), number=number(ledger.other.index))
    ledger.lie = lambda path, reply: Reply(other, media="application/zip") if "bundle" in path else reply
    run = program.answer(ledger, demand)
    assert run.status == 1 and run.failed == [5] and "another subject" in run.detail(5)


@pytest.mark.parametrize("form", ["receipt", "case"])
def test_something_else_than_an_entrys_bundle(ledger: FakeLedger, program: Program, form: str) -> None:
    """Each is right in itself, and neither is the bundle that shows what became of the demand."""
    demand = answered(ledger)
    case = bundle(ledger.log.members(*ledger.log_entries()), case=CHAIN)
    data = ledger.log.receipt(ledger.evidence) if form == "receipt" else case
    ledger.lie = lambda path, reply: Reply(data, media="application/octet-stream") if "bundle" in path else reply
    run = program.answer(ledger, demand)
    assert run.status == 1 and 5 in run.failed and run.json["answers"] == {}


def test_another_demand_than_asked(ledger: FakeLedger, program: Program) -> None:
    demand, second = answered(ledger), ledger.demand([CREATED])
    statement = json.loads(ledger._stated(number(second.index)).body)  # type: ignore[arg-type]  # it is bytes
    ledger.lie = lambda path, reply: json_reply(statement) if "/demands/" in path else reply
    run = program.answer(ledger, demand)
    assert run.status == 1 and run.failed == [5] and "was asked for the demand" in run.detail(5)


def test_a_demand_on_other_evidence(ledger: FakeLedger, program: Program) -> None:
    foreign = ledger.demand([AUTHOR], evidence=ledger.other.index)
    ledger.stated_number = ledger.number
    run = program.answer(ledger, foreign)
    assert run.status == 1 and run.failed == [5]
    ledger.tamper = lambda members: {**members, **ledger.log.members(foreign)}
    run = program.answer(ledger, foreign)
    assert run.status == 1 and run.failed == [1, 5] and "does not say that it is about" in run.detail(5)


def test_an_entry_that_is_no_demand(ledger: FakeLedger, program: Program) -> None:
    refusal = ledger.refuse(answered(ledger))
    run = program.answer(ledger, refusal)
    assert run.status == 1 and run.failed == [5] and "no demand" in run.detail(5)


def test_a_demand_that_hides_what_it_is_about(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR], closed=["relation.entry"])
    ledger.answer(demand, "disclosed", [AUTHOR])
    run = program.answer(ledger, demand)
    assert run.status == 1 and 5 in run.failed


def test_a_state_that_no_entry_proves(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    for state in ("refused", "disclosed", "upheld"):
        ledger.states[demand.index] = state
        run = program.answer(ledger, demand)
        assert run.status == 3 and run.states == {AUTHOR: "closed"} and run.json["demand"]["state"] == "asked"
        assert run.json["contradictions"] == [
            "the server states another state of the demand than its proven entries do"
        ]


def test_a_refusal_that_is_not_in_the_log(ledger: FakeLedger, program: Program) -> None:
    """A well-formed refusal, with a proof, that was never appended: it was made up for this reader."""
    demand = ledger.demand([AUTHOR])
    twin = FakeLedger(ledger.folder)
    invented = twin.refuse(twin.demand([AUTHOR]))
    added = twin.log.members(invented, checkpoint=ledger.log.checkpoint())
    ledger.tamper = lambda members: {**members, **added}
    run = program.answer(ledger, demand)
    assert run.status == 1 and 5 in run.failed and run.json["answers"] == {}


ASIDE: dict[str, dict[str, Any]] = {
    "of another demand": {"relation__demand": 1},
    "of itself": {"relation__demand": 5},
    "of a later demand": {"relation__demand": 6},
    "of none": {"relation__demand": ...},
    "of a text": {"relation__demand": "4"},
    "of true": {"relation__demand": True},
    "hidden": {"closed": ["relation.demand"]},
}


@pytest.mark.parametrize("changes", ASIDE.values(), ids=ASIDE.keys())
def test_a_refusal_beside_the_demand(ledger: FakeLedger, program: Program, changes: dict[str, Any]) -> None:
    demand = ledger.demand([AUTHOR])
    assert demand.index == 4
    ledger.refuse(demand, **changes)
    run = program.answer(ledger, demand)
    assert run.status == 3 and run.states == {AUTHOR: "closed"}


def test_an_erasure_of_something_else(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.erase(CREATED)
    ledger.act("opening.erased", erasure__fields=[AUTHOR, AUTHOR], erasure__order="twice")
    ledger.act("opening.erased", erasure__fields=AUTHOR, erasure__order="no list")
    ledger.act("opening.erased", closed=["erasure.fields"], erasure__fields=[AUTHOR], erasure__order="hidden")
    ledger.act("opening.erased", evidence=ledger.other.index, erasure__fields=[AUTHOR], erasure__order="of another")
    assert program.answer(ledger, demand).states == {AUTHOR: "closed"}


def test_a_second_answer_to_an_older_demand(ledger: FakeLedger, program: Program) -> None:
    """A refusal of the first demand is none of the second."""
    first, second = ledger.demand([AUTHOR]), ledger.demand([AUTHOR])
    ledger.refuse(first)
    assert program.answer(ledger, first).states == {AUTHOR: "refused"}
    assert program.answer(ledger, second).states == {AUTHOR: "closed"}
