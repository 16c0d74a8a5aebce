"""`evidence-verify answer` with a bundle at hand, against a log that has two histories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.fake_ledger import FakeLedger, Reply
from tests.verifier.programs import Program
from tests.verifier.test_answer_lies import AUTHOR, answered, held, opening, place, replaced
from tests.verifier.zip_forge import bundle


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def test_a_log_forked_at_the_evidence(ledger: FakeLedger, program: Program) -> None:
    """The same keys sign a second history, in which the evidence said something else from the beginning."""
    bundle_at_hand = held(ledger)
    second = FakeLedger(ledger.folder, extracted__author="Marat")
    demand = answered(second)
    assert program.answer(second, demand).status == 0  # who holds nothing cannot see it; witnesses are against this
    run = program.answer(second, demand, "--bundle", bundle_at_hand)
    assert run.status == 1 and run.failed == [6] and "a fork" in run.detail(6)
    assert run.json["answers"] == {} and run.json["demand"]["state"] is None and run.json["demands"] == []


@pytest.mark.parametrize("more", [1, 2, 7])
def test_a_log_forked_elsewhere(ledger: FakeLedger, program: Program, more: int) -> None:
    """The evidence's leaf is the same; what was recorded besides is not. The fork is shorter, as long, and longer."""
    for _ in range(more):
        ledger.log.append("evidence.read", "b" * 32, fields={"a": 1})
    bundle_at_hand = held(ledger)
    second = FakeLedger(ledger.folder)
    demand = answered(second)
    assert second.evidence.leaf == ledger.evidence.leaf
    given = Reply(second.bundle(), media="application/zip")
    second.lie = lambda path, reply: given if "/bundle" in path else reply
    for _ in range(more):  # so that it has tiles for a tree as large as the one at hand
        second.log.append("evidence.read", "c" * 32, fields={"a": 1})
    run = program.answer(second, demand, "--bundle", bundle_at_hand)
    assert run.status == 1 and run.failed == [6] and "a fork" in run.detail(6)


def test_a_log_that_has_become_shorter(ledger: FakeLedger, program: Program) -> None:
    """It cannot show the tree that it once signed: not proven to be a fork, and never taken for an answer."""
    for _ in range(5):
        ledger.log.append("evidence.read", "b" * 32, fields={"a": 1})
    bundle_at_hand = held(ledger)
    second = FakeLedger(ledger.folder)
    run = program.answer(second, answered(second), "--bundle", bundle_at_hand)
    assert run.status == 3 and "cannot be proven" in run.detail(6)


def test_tiles_that_lie_or_are_withheld(ledger: FakeLedger, program: Program) -> None:
    bundle_at_hand = held(ledger)
    demand = answered(ledger)

    def flipped(path: str, reply: Reply) -> Reply:
        assert isinstance(reply.body, bytes)
        flip = reply.body[:-1] + bytes([reply.body[-1] ^ 1])
        return Reply(flip, media=reply.media) if path.startswith("/tile/") else reply

    ledger.lie = flipped
    run = program.answer(ledger, demand, "--bundle", bundle_at_hand)
    assert run.status == 1 and run.failed == [6] and "a fork" in run.detail(6)
    ledger.lie = lambda path, reply: Reply(b"", 404) if path.startswith("/tile/") else reply
    run = program.answer(ledger, demand, "--bundle", bundle_at_hand)
    assert run.status == 3 and run.failed == [] and "cannot be proven" in run.detail(6)


def test_a_broken_bundle_at_hand(ledger: FakeLedger, program: Program) -> None:
    demand = answered(ledger)
    path = ledger.folder / "held.zip"
    members = ledger.members()
    path.write_bytes(
        bundle(replaced(place(ledger, AUTHOR), opening(ledger, AUTHOR, 2, "Marat"))(members), number=ledger.number)
    )
    run = program.answer(ledger, demand, "--bundle", path)
    assert run.status == 1 and run.failed == [4] and "the bundle at hand" in run.detail(4)
    path.write_bytes(b"PK\x03\x04")
    assert program.answer(ledger, demand, "--bundle", path).status == 1
    path.write_bytes(b"nothing")
    assert program.answer(ledger, demand, "--bundle", path).status == 2
    path.write_bytes(bundle(ledger.log.members(ledger.evidence), case="0" * 32))
    assert program.answer(ledger, demand, "--bundle", path).status == 2


def test_trees_of_one_size_are_compared_without_the_server(ledger: FakeLedger, program: Program) -> None:
    demand = answered(ledger)
    bundle_at_hand = held(ledger)
    assert program.answer(ledger, demand).status == 0
    without, ledger.requests = ledger.requests, []
    assert program.answer(ledger, demand, "--bundle", bundle_at_hand).status == 0
    assert ledger.requests == without, "no tile is asked for that the reading of the log does not need"
