"""The proofs of a batch: those that each entry would get alone, and nobody has them before the batch is sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.commit.batch import Sequenced
from ledger.commit.batch_proofs import AHEAD_MAX, BatchProofs
from ledger.entry.canonical_json import serialise
from ledger.errors import CorruptError, UnavailableError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion
from ledger.note.proof_file import ProofFile, format_proof, parse_proof
from ledger.store.log_rows import Head
from tests.ledger.commit.rig import Rig, keyed
from tests.ledger.making import make_log

LEAVES = [b"leaf %d" % n for n in range(600)]
NOTE = 'ledger.example/court\n2\n…\n\n— "quoted" AAAA\n'.encode()


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def batch(before: int, count: int) -> tuple[BatchProofs, Head]:
    frontier = Frontier().append_all([hash_leaf(leaf) for leaf in LEAVES[:before]])
    after = frontier.append_all([hash_leaf(leaf) for leaf in LEAVES[before : before + count]])
    head = Head(after.size, after.root(), after.to_bytes())
    return BatchProofs(frontier, LEAVES[before : before + count], head), head


def proof(text: tuple[bytes, ...]) -> ProofFile:
    file: str = json.loads(b'"%b"' % b"".join(text))
    return parse_proof(file.encode())


@pytest.mark.parametrize("before", [0, 1, 2, 3, 7, 8, 100, 255, 256, 257, 511])
@pytest.mark.parametrize("count", [1, 2, 3, 30, AHEAD_MAX, AHEAD_MAX + 1])
def test_each_entry_has_its_proof(before: int, count: int) -> None:
    proofs, head = batch(before, count)
    proofs.make_ahead()
    proofs.publish(NOTE)
    for index in range(before, before + count):
        said = proof(proofs.text(index))
        assert (said.index, said.note) == (index, NOTE)
        check_inclusion(hash_leaf(LEAVES[index]), index, head.size, said.path, head.root)
        assert b"".join(proofs.text(index)) == serialise(format_proof(index, said.path, NOTE).decode())[1:-1]


def test_nothing_is_given_out_before_it_is_published() -> None:
    proofs, _ = batch(5, 2)
    for act in (lambda: None, proofs.make_ahead):
        act()
        with pytest.raises(UnavailableError, match="not published"):
            proofs.text(5)
    proofs.publish(NOTE)
    assert proof(proofs.text(5)).index == 5


def test_leaves_that_are_not_those_of_the_tree_are_not_proven() -> None:
    good, head = batch(100, 3)
    good.make_ahead()
    frontier = Frontier().append_all([hash_leaf(leaf) for leaf in LEAVES[:100]])
    leaves = LEAVES[100:103]
    for wrong in ([*leaves[:2], flipped(leaves[2])], leaves[::-1], leaves[:2]):
        with pytest.raises(CorruptError, match="do not give the root of the head"):
            BatchProofs(frontier, wrong, head).make_ahead()
    other = Frontier(100, (flipped(frontier.hashes[0]), *frontier.hashes[1:]))
    with pytest.raises(CorruptError, match="do not give the root of the head"):
        BatchProofs(other, leaves, head).make_ahead()


def test_a_large_batch_is_proven_when_somebody_asks() -> None:
    before, count = 3, AHEAD_MAX + 1
    frontier = Frontier().append_all([hash_leaf(leaf) for leaf in LEAVES[:before]])
    _, head = batch(before, count)
    leaves = LEAVES[before : before + count]
    wrong = BatchProofs(frontier, [*leaves[:-1], flipped(leaves[-1])], head)
    wrong.make_ahead()
    wrong.publish(NOTE)
    for _ in range(2):
        with pytest.raises(CorruptError, match="do not give the root of the head"):
            wrong.text(before)


# --- in the writer -------------------------------------------------------------------------------------------------


def check_proven(rig: Rig, placed: Sequenced) -> ProofFile:
    """The entry's proof is right, under a checkpoint with our signatures."""
    assert placed.proofs is not None
    said = proof(placed.proofs.text(placed.index))
    checkpoint = rig.signer.check(said.note)
    check_inclusion(hash_leaf(placed.leaf), said.index, checkpoint.size, said.path, checkpoint.root)
    assert said.index == placed.index
    return said


class Made:
    """All proofs that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[BatchProofs] = []
        make = BatchProofs.make_ahead

        def making(proofs: BatchProofs) -> None:
            make(proofs)
            self.all.append(proofs)

        monkeypatch.setattr(BatchProofs, "make_ahead", making)


@pytest.mark.parametrize("call", ["save_checkpoint", "advance"])
def test_proofs_made_for_a_seal_that_fails_are_never_given_out(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    made = Made(monkeypatch)
    error = UnavailableError("keep a checkpoint: the disk is gone")
    if call == "advance":
        advance, failing = rig.signer.kept.advance, iter([error])

        def advancing(note: bytes) -> None:
            for each in failing:
                raise each
            advance(note)

        monkeypatch.setattr(rig.signer.kept, "advance", advancing)
    else:
        rig.faulty.faults[call] = ("lost", error)
    with pytest.raises(UnavailableError, match=r"outcome is not known.*repeat it with the same Idempotency-Key"):
        rig.writer.append([keyed("a")])
    rig.settle()
    [lost] = made.all
    with pytest.raises(UnavailableError, match="not published"):
        lost.text(1)
    again = rig.writer.append([keyed("a")])[0]
    assert (again.index, again.replayed, again.proofs) == (1, True, None)  # proven anew, out of what is stored
    check_proven(rig, rig.writer.append([keyed("b")])[0])
    rig.check(2)


def test_a_leaf_that_changed_in_memory_is_not_sealed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    make, advance, recover = BatchProofs.make_ahead, rig.signer.kept.advance, rig.writer._recover

    def making(proofs: BatchProofs) -> None:
        if not seen:
            seen.append("changed")
            proofs._leaves = [flipped(proofs._leaves[0])]
        make(proofs)

    def advancing(note: bytes) -> None:
        seen.append("kept")
        advance(note)

    def recovering(accept: bytes | None) -> None:
        seen.append("recovery")
        recover(accept)

    monkeypatch.setattr(BatchProofs, "make_ahead", making)
    monkeypatch.setattr(rig.signer.kept, "advance", advancing)
    monkeypatch.setattr(rig.writer, "_recover", recovering)
    with pytest.raises(UnavailableError, match="do not give the root of the head"):
        rig.writer.append([keyed("a")])
    rig.settle()
    assert seen[:2] == ["changed", "recovery"]  # nothing was kept before what is stored had been checked
    assert rig.writer.append([keyed("a")])[0].replayed
    check_proven(rig, rig.writer.append([keyed("b")])[0])
    rig.check(2)


def test_what_another_front_end_commits_and_seals_in_between_changes_no_proof(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_log(tmp_path / "data", postgres_url)
    ours, theirs = Rig(settings), Rig(settings)
    advance = ours.signer.kept.advance
    between: list[Sequenced] = []

    def advancing(note: bytes) -> None:
        if not between:
            between.extend(theirs.writer.append([keyed("theirs")]))
        advance(note)

    monkeypatch.setattr(ours.signer.kept, "advance", advancing)
    placed = ours.writer.append([keyed("a")])[0]
    assert (placed.index, between[0].index) == (1, 2)
    assert [ours.signer.check(check_proven(ours, each).note).size for each in (placed, *between)] == [2, 3]
    served = ours.store.published()
    assert served is not None and served[0] == 3  # never backwards
    after = ours.writer.append([keyed("b"), keyed("theirs")])
    assert [(each.index, each.replayed) for each in after] == [(3, False), (2, True)]
    check_proven(ours, after[0])
    ours.check(3)
    theirs.close()
    ours.close()
