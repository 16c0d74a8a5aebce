"""`evidence-verify answer` reads the log behind the server: one that is old, withheld, too long, or that lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verifier.fake_ledger import FakeLedger, Reply, problem
from tests.verifier.log_forge import CHAIN, STRANGER, jcs
from tests.verifier.programs import Program
from tests.verifier.test_unshown import AUTHOR, CREATED, found, hide, on, outcome, refused
from verifier.answer import reading


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def test_an_old_bundle_of_a_log_that_went_on(ledger: FakeLedger, program: Program) -> None:
    """The refusal and all before it, as it was on that day; the order came later."""
    demand = refused(ledger)
    old = Reply(ledger.bundle(), media="application/zip")
    size = len(ledger.log.leaves)
    ledger.lie = on("/evidence/", lambda _: old)
    for _ in range(3):
        ledger.log.append("evidence.read", "c" * 32, fields={"a": 1})
    assert program.answer(ledger, demand).status == 0
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    run = program.answer(ledger, demand)
    assert run.status == 3 and found(run) == [(ruling.index, "demand.ruled")]
    assert run.json["read_to"] == len(ledger.log.leaves) > size
    ledger.withheld = {ruling.index}
    assert "after the answer's bundle was made" in program.answer(ledger, demand).json["unshown"][0]["reason"]


def with_text(text: bytes) -> Callable[[Reply], Reply]:
    return lambda reply: replace(reply, body=text)


def test_a_checkpoint_that_is_withheld_old_or_not_the_logs(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    size = len(ledger.log.leaves)
    signed_by_none = ledger.log.checkpoint(signers=[STRANGER])
    for change in (
        lambda reply: problem(404, "none yet"),
        with_text(signed_by_none),
        with_text(ledger.log.checkpoint(size=size - 1)),
        with_text(ledger.log.checkpoint(size=1)),
    ):
        ledger.lie = on("/checkpoint", change)
        run = program.answer(ledger, demand)
        assert (run.status, outcome(run), run.json["read_to"]) == (3, "NOT_CHECKED", size)
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    hide(ledger, ruling)
    run = program.answer(ledger, demand)
    assert found(run) == [(ruling.index, "demand.ruled")], "the bundle's own tree is read all the same"


def test_a_second_tree_of_the_log(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    for size in (len(ledger.log.leaves), len(ledger.log.leaves) - 1):
        twin = FakeLedger(ledger.folder, extracted__author="Marat")
        refused(twin)
        ledger.lie = on("/checkpoint", with_text(twin.log.checkpoint(size=size)))
        run = program.answer(ledger, demand)
        assert (run.status, run.failed, run.json["answers"]) == (1, [11], {})


def flipped(at: int) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        assert isinstance(reply.body, bytes)
        data = bytearray(reply.body)
        data[at] ^= 1
        return replace(reply, body=bytes(data))

    return change


def cut(reply: Reply) -> Reply:
    assert isinstance(reply.body, bytes)
    return replace(reply, body=reply.body[:-1])


@pytest.mark.parametrize(("part", "at"), [("/tile/entries/", -1), ("/tile/0/", 0)])
def test_tiles_that_lie_or_are_withheld(ledger: FakeLedger, program: Program, part: str, at: int) -> None:
    """A tile that is not of the signed tree is refuted; one that cannot be had proves nothing."""
    demand = refused(ledger)
    size = len(ledger.log.leaves)
    ledger.lie = on(part, flipped(at))
    run = program.answer(ledger, demand)
    assert (run.status, run.failed, run.json["answers"]) == (1, [11], {}) and run.json["read_to"] is None
    for change in (cut, lambda reply: problem(404, "no such tile"), lambda reply: problem(503, "busy")):
        ledger.lie = on(part, change)
        run = program.answer(ledger, demand)
        assert (run.status, run.failed, run.states) == (3, [], {AUTHOR: "refused"})
        assert f"whether the case has later entries, up to the log's {size}, is not shown" in run.detail(11)


def test_an_order_exchanged_in_the_tiles(ledger: FakeLedger, program: Program) -> None:
    """The lie that a hidden order needs: another leaf in its place. The signed root does not follow from it."""
    demand = refused(ledger)
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    hide(ledger, ruling)
    other = jcs({**json.loads(ruling.leaf), "kind": "demand.lapser", "chain": "b" * 32})
    exchange = on("/tile/entries/", lambda reply: replace(reply, body=exchanged(reply, ruling.leaf, other)))
    ledger.lie = exchange
    run = program.answer(ledger, demand)
    assert (run.status, run.failed) == (1, [11]) and "do not lead to the signed tree" in run.detail(11)


def exchanged(reply: Reply, old: bytes, new: bytes) -> bytes:
    assert isinstance(reply.body, bytes) and old in reply.body
    pairs = [len(leaf).to_bytes(2, "big") + leaf for leaf in (old, new)]
    return reply.body.replace(*pairs)


def test_names_that_no_later_entry_changes_need_no_log(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, CREATED, "extracted.version", "extracted.zebra"])
    ledger.answer(demand, "disclosed", [AUTHOR, "extracted.version"])
    ledger.erase(CREATED)
    ledger.lie = on("/tile/", lambda _: problem(404, "no such tile"))
    run = program.answer(ledger, demand)
    assert (run.status, outcome(run)) == (0, "NOT_CHECKED")
    assert set(run.states.values()) == {"opened", "absent", "erased", "never committed"}


def test_a_log_longer_than_is_read(ledger: FakeLedger, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    demand = refused(ledger)
    monkeypatch.setattr(reading, "MAX_LEAVES", 3)
    assert len(ledger.log.leaves) - ledger.evidence.index - 1 == 3
    assert program.answer(ledger, demand).status == 0
    ledger.log.append("evidence.read", "c" * 32, fields={"a": 1})
    ledger.requests.clear()
    run = program.answer(ledger, demand)
    assert (run.status, run.json["read_to"]) == (3, None) and "at most 3 are read here" in run.detail(11)
    assert not any("/tile/" in path for path in ledger.requests)


def test_a_leaf_that_cannot_be_read(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    ledger.log.leaves.append(jcs({"chain": CHAIN, "v": 2}))
    run = program.answer(ledger, demand)
    assert run.status == 3 and f"entry {len(ledger.log.leaves) - 1} of the log cannot be read here" in run.detail(11)
