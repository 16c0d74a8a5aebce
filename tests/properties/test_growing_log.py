"""A log of the pure rooms alone: whatever the batches, every receipt ever given still holds, and no rewrite passes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.entry.commitment import CommittedFields, commit_fields
from ledger.entry.disclosure import check_disclosure, disclose
from ledger.entry.leaf import Leaf, format_leaf, format_time, parse_leaf
from ledger.errors import LedgerError, ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.entry_bundles import format_entry_bundle, parse_entry_bundle
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import TileId
from ledger.note.checkpoint import Checkpoint, check_checkpoint, sign_checkpoint
from ledger.note.keys import Ed25519Signer, MLDSA44Signer
from ledger.note.proof_file import format_proof, parse_proof

ORIGIN = "ledger.example/court"
ED25519 = Ed25519Signer(ORIGIN, bytes(range(32)))
MLDSA = MLDSA44Signer(ORIGIN, bytes(range(32)))
VKEYS = (ED25519.verifier_key, MLDSA.verifier_key)
CHAIN = "5f0c" * 8


@dataclass
class Log:
    """The smallest log there can be: leaves, full tiles, the right edge, and each signed checkpoint."""

    leaves: list[bytes] = field(default_factory=list)
    committed: list[CommittedFields] = field(default_factory=list)
    tiles: dict[TileId, bytes] = field(default_factory=dict)
    edge: OpenTiles = field(default_factory=OpenTiles)
    notes: list[bytes] = field(default_factory=list)

    def anchor(self, count: int, secret: int = 0) -> None:
        batch = [self._leaf(len(self.leaves) + number, secret) for number in range(count)]
        grown = self.edge.append([hash_leaf(leaf) for leaf in batch])
        self.tiles |= dict(grown.full)
        self.edge = grown.tiles
        checkpoint = Checkpoint(ORIGIN, self.edge.size, grown.root)
        self.notes.append(sign_checkpoint(checkpoint, ED25519, MLDSA, 1 + len(self.notes)))

    def nodes(self, size: int) -> TiledNodes:
        return TiledNodes(size, self._read_tile)

    def receipt(self, index: int, note: bytes) -> bytes:
        size = check_checkpoint(note, VKEYS).size
        return format_proof(index, prove_inclusion(self.nodes(size), index, size), note)

    def _leaf(self, index: int, secret: int) -> bytes:
        prev = hash_leaf(self.leaves[-1]) if self.leaves else None
        fields = commit_fields(bytes((secret,)) * 32, {"file.size": index, "file.name": f"{index}.pdf"})
        leaf = Leaf(CHAIN, "evidence.anchored", prev, index, format_time(index), fields.commitment)
        self.leaves.append(format_leaf(leaf))
        self.committed.append(fields)
        return self.leaves[-1]

    def _read_tile(self, tile: TileId) -> bytes:
        # A tile that was partial at an older size may be full by now: the longer one begins with it.
        return self.tiles.get(TileId(tile.level, tile.index)) or self.edge.partial(tile.level)


def check_receipt(proof: bytes, leaf: bytes) -> Checkpoint:
    parts = parse_proof(proof)
    checkpoint = check_checkpoint(parts.note, VKEYS)
    check_inclusion(hash_leaf(leaf), parts.index, checkpoint.size, parts.path, checkpoint.root)
    return checkpoint


BATCHES = st.lists(st.integers(1, 20) | st.sampled_from([255, 256, 257]), min_size=1, max_size=5)


@settings(max_examples=15)
@given(BATCHES, st.data())
def test_every_receipt_holds_against_its_own_and_every_later_checkpoint(sizes: list[int], data: st.DataObject) -> None:
    log = Log()
    for size in sizes:
        log.anchor(size)
    checkpoints = [check_checkpoint(note, VKEYS) for note in log.notes]
    for number, note in enumerate(log.notes):
        index = data.draw(st.integers(0, checkpoints[number].size - 1))
        assert check_receipt(log.receipt(index, note), log.leaves[index]) == checkpoints[number]
        leaf = parse_leaf(log.leaves[index])
        assert leaf.fields is not None
        opened = check_disclosure(disclose(log.committed[index], ["file.size"]), leaf.fields)
        assert opened.opened == {"file.size": leaf.seq}
        for older in checkpoints[: number + 1]:
            newer = checkpoints[number]
            proof = prove_consistency(log.nodes(newer.size), older.size, newer.size)
            check_consistency(older.size, older.root, newer.size, newer.root, proof)
        other = (index + 1) % checkpoints[number].size
        if other != index:
            with pytest.raises(ProofError):
                check_receipt(log.receipt(index, note), log.leaves[other])
    first = log.leaves[:256]
    assert parse_entry_bundle(format_entry_bundle(first), len(first)) == first


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(1, 300), st.data())
def test_a_fork_has_no_consistency_proof_whoever_builds_it(common: int, more: int, data: st.DataObject) -> None:
    fork_at = data.draw(st.integers(0, common - 1))
    honest, forked = Log(), Log()
    honest.anchor(common)
    if fork_at:
        forked.anchor(fork_at)
    forked.anchor(common - fork_at + more, secret=1)
    seen = check_checkpoint(honest.notes[-1], VKEYS)
    shown = check_checkpoint(forked.notes[-1], VKEYS)
    honest.anchor(more)
    for prover in (honest, forked):
        proof = prove_consistency(prover.nodes(shown.size), seen.size, shown.size)
        with pytest.raises(ProofError):
            check_consistency(seen.size, seen.root, shown.size, shown.root, proof)
    # Up to the fork, entries are the same: a receipt of the one log leads to nothing in the other.
    with pytest.raises(ProofError):
        check_receipt(forked.receipt(common - 1, forked.notes[-1]), honest.leaves[common - 1])


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_bit_anywhere_in_a_receipt_is_refused(data: st.DataObject) -> None:
    log = Log()
    log.anchor(5)
    good, leaf = log.receipt(3, log.notes[0]), log.leaves[3]
    check_receipt(good, leaf)
    bad = bytearray(good)
    bad[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    # Both lines are the log's and both keys are listed: here no byte at all is left uncovered.
    with pytest.raises(LedgerError):
        check_receipt(bytes(bad), leaf)
    changed = bytearray(leaf)
    changed[data.draw(st.integers(0, len(leaf) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ProofError):
        check_receipt(good, bytes(changed))
