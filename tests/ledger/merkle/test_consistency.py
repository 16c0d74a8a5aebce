"""Consistency proofs: RFC 6962's, other people's vectors, and every forgery one step away from an accepted proof."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.hashing import EMPTY_ROOT, hash_children, tree_root
from tests.ledger.merkle.trees import ListNodes, leaf_hashes, proof

HASHES = leaf_hashes(300)
NODES = ListNodes(HASHES)
ROOTS = [tree_root(HASHES[:size]) for size in range(301)]


def test_the_98_vectors_of_transparency_dev(vectors: Path) -> None:
    files = sorted((vectors / "transparency-dev-merkle" / "consistency").rglob("*.json"))
    accepted = 0
    for file in files:
        case = json.loads(file.read_bytes())
        given_proof = [b64decode(each) for each in case["proof"] or []]
        arguments = (case["size1"], b64decode(case["root1"]), case["size2"], b64decode(case["root2"]), given_proof)
        if case["wantErr"]:
            with pytest.raises(ProofError):
                check_consistency(*arguments)
        else:
            check_consistency(*arguments)
            accepted += 1
    assert (len(files), accepted) == (98, 6)


def test_size_0_to_size_0_where_we_differ_from_the_vectors_by_policy() -> None:
    # transparency-dev refuses any proof from the empty tree as useless. The witness protocol needs it (an empty
    # proof), so it is accepted here, but only with the empty tree's own root; their vector has another, and is refused.
    check_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    check_consistency(0, EMPTY_ROOT, 5, ROOTS[5], [])
    for bad in (
        (0, ROOTS[1], 0, ROOTS[1], []),
        (0, ROOTS[5], 5, ROOTS[5], []),
        (0, EMPTY_ROOT, 0, ROOTS[1], []),
        (0, EMPTY_ROOT, 0, EMPTY_ROOT, [EMPTY_ROOT]),
        (0, EMPTY_ROOT, 5, ROOTS[5], [ROOTS[5]]),
        (0, EMPTY_ROOT, 5, b"short", []),
        (0, b"", 5, ROOTS[5], []),
        (-1, EMPTY_ROOT, 5, ROOTS[5], []),
    ):
        with pytest.raises(ProofError):
            check_consistency(*bad)


def test_proofs_are_the_recursive_definition() -> None:
    for new in [*range(1, 40), 255, 256, 257]:
        for old in {*range(1, min(new, 39) + 1), new // 2 or 1, new - 1 or 1, new}:
            ours = prove_consistency(NODES, old, new)
            assert ours == proof(old, HASHES[:new]), (old, new)
            check_consistency(old, ROOTS[old], new, ROOTS[new], ours)
        assert prove_consistency(NODES, 0, new) == []


@given(st.data())
def test_no_change_of_an_accepted_proof_is_accepted(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 40) | st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    old_root, new_root = ROOTS[old], ROOTS[new]
    good = prove_consistency(NODES, old, new)
    check_consistency(old, old_root, new, new_root, good)

    def flipped(value: bytes) -> bytes:
        bad = bytearray(value)
        bad[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        return bytes(bad)

    at = data.draw(st.integers(0, len(good)))
    forgeries = [
        (old, flipped(old_root), new, new_root, good),
        (old, old_root, new, flipped(new_root), good),
        (old, old_root, new, new_root, [*good[:at], bytes(32), *good[at:]]),
        (old, old_root, new, new_root, [old_root, *good]),
        (old, old_root, new, new_root, [*good, new_root]),
        (new + 1, old_root, new, new_root, good),
        (-old, old_root, new, new_root, good),
        (old, old_root[:-1], new, new_root, good),
        (old, old_root, new, new_root[:-1], good),
    ]
    if good:
        bad = data.draw(st.integers(0, len(good) - 1))
        forgeries += [
            (old, old_root, new, new_root, [*good[:bad], flipped(good[bad]), *good[bad + 1 :]]),
            (old, old_root, new, new_root, [*good[:bad], good[bad][:-1], *good[bad + 1 :]]),
            (old, old_root, new, new_root, [*good[:bad], *good[bad + 1 :]]),
            (old, old_root, new, new_root, []),
            (new, new_root, old, old_root, good),
            (old, new_root, new, old_root, good),
        ]
    for forgery in forgeries:
        with pytest.raises(ProofError):
            check_consistency(*forgery)


def test_smaller_sizes_than_the_roots_are_not_consistent() -> None:
    # Without the check of the proof's length, two roots under one more left sibling would pass for sizes 3 and 4.
    proof_of_3 = prove_consistency(NODES, 3, 4)
    check_consistency(3, ROOTS[3], 4, ROOTS[4], proof_of_3)
    left = HASHES[9]
    with pytest.raises(ProofError):
        check_consistency(3, hash_children(left, ROOTS[3]), 4, hash_children(left, ROOTS[4]), [*proof_of_3, left])


@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 79))
def test_a_log_that_changed_one_entry_has_no_proof(old: int, new: int, changed: int) -> None:
    old, new = min(old, new), max(old, new)
    changed %= old
    rewritten = [*HASHES[:changed], leaf_hashes(1, "rewritten")[0], *HASHES[changed + 1 :]]
    good = prove_consistency(NODES, old, new)
    bad = prove_consistency(ListNodes(rewritten), old, new)
    for attempt in (good, bad):
        with pytest.raises(ProofError):
            check_consistency(old, ROOTS[old], new, tree_root(rewritten[:new]), attempt)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, 0)])
def test_nothing_is_proven_backwards(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        prove_consistency(NODES, old, new)
