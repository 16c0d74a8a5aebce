"""Inclusion proofs: RFC 6962's paths, other people's vectors, and every forgery one step away from a good one."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger.errors import ProofError
from ledger.merkle.hashing import EMPTY_ROOT, hash_children, tree_root
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from tests.ledger.merkle.trees import ListNodes, leaf_hashes, path

HASHES = leaf_hashes(300)
SIZES = st.integers(1, 40) | st.integers(1, 300)


def test_the_98_vectors_of_transparency_dev(vectors: Path) -> None:
    files = sorted((vectors / "transparency-dev-merkle" / "inclusion").rglob("*.json"))
    accepted = 0
    for file in files:
        case = json.loads(file.read_bytes())
        proof = [b64decode(each) for each in case["proof"] or []]
        arguments = (b64decode(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, b64decode(case["root"]))
        if case["wantErr"]:
            with pytest.raises(ProofError):
                check_inclusion(*arguments)
        else:
            check_inclusion(*arguments)
            accepted += 1
    assert (len(files), accepted) == (98, 6)


def test_paths_are_the_recursive_definition() -> None:
    for size in [*range(1, 40), 255, 256, 257]:
        nodes = ListNodes(HASHES[:size])
        for index in {*range(min(size, 40)), size // 2, size - 1}:
            proof = prove_inclusion(nodes, index, size)
            assert proof == path(index, HASHES[:size]), (index, size)
            check_inclusion(HASHES[index], index, size, proof, tree_root(HASHES[:size]))


def test_pymerkles_paths_are_accepted_and_ours_equal_them() -> None:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(70):
        tree.append_entry(str(number).encode())
    for size in range(1, 71):
        for index in range(0, size, 3):
            theirs = tree.prove_inclusion(index + 1, size).path
            # pymerkle's path begins with the leaf's own hash.
            assert theirs[0] == HASHES[index]
            assert theirs[1:] == prove_inclusion(ListNodes(HASHES), index, size)
            check_inclusion(HASHES[index], index, size, theirs[1:], tree.get_root(size))


@given(SIZES, st.data())
def test_no_change_of_an_accepted_proof_is_accepted(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, root = HASHES[index], tree_root(HASHES[:size])
    proof = prove_inclusion(ListNodes(HASHES), index, size)
    check_inclusion(leaf, index, size, proof, root)

    def flipped(value: bytes) -> bytes:
        bad = bytearray(value)
        bad[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        return bytes(bad)

    at = data.draw(st.integers(0, len(proof)))
    forgeries = [
        (flipped(leaf), index, size, proof, root),
        (leaf, index, size, proof, flipped(root)),
        (leaf, index, size, [*proof[:at], bytes(32), *proof[at:]], root),
        (leaf, index, size, [*proof, root], root),
        (leaf, index, size, [leaf, *proof], root),
        (leaf, index, size, proof, EMPTY_ROOT),
        (leaf, size, size, proof, root),
        (leaf, -1, size, proof, root),
        (leaf, index - size, size, proof, root),
        (leaf, index, 0, proof, root),
        (leaf, index, -size, proof, root),
        (leaf[:-1], index, size, proof, root),
        (leaf, index, size, proof, root + b"\x00"),
    ]
    if proof:
        bad = data.draw(st.integers(0, len(proof) - 1))
        forgeries += [
            (leaf, index, size, [*proof[:bad], flipped(proof[bad]), *proof[bad + 1 :]], root),
            (leaf, index, size, [*proof[:bad], *proof[bad + 1 :]], root),
            (leaf, index, size, [*proof[:bad], proof[bad][:-1], *proof[bad + 1 :]], root),
            (leaf, index, size, [], root),
            # An inner node shown as a leaf one level up: what the path's length keeps out.
            (hash_children(leaf, proof[0]), index // 2, size, proof[1:], root),
            (hash_children(proof[0], leaf), index // 2, size, proof[1:], root),
            (root, index, size, [], root),
        ]
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        forgeries.append((leaf, other, size, proof, root))
    for forgery in forgeries:
        with pytest.raises(ProofError):
            check_inclusion(*forgery)


@given(st.integers(1, 64), st.integers(1, 64))
def test_a_proof_for_one_size_does_not_hold_against_another_sizes_root(size: int, other: int) -> None:
    assume(size != other)
    for index in range(min(size, other)):
        proof = prove_inclusion(ListNodes(HASHES), index, size)
        check_inclusion(HASHES[index], index, size, proof, tree_root(HASHES[:size]))
        with pytest.raises(ProofError):
            check_inclusion(HASHES[index], index, other, proof, tree_root(HASHES[:other]))


def test_a_smaller_size_than_the_roots_does_not_move_a_leaf_to_another_index() -> None:
    # Without the check of the proof's length, siblings beyond the claimed size would be taken on the left: leaf 1 would
    # pass for entry 0.
    two = tree_root(HASHES[:2])
    check_inclusion(HASHES[1], 1, 2, [HASHES[0]], two)
    with pytest.raises(ProofError):
        check_inclusion(HASHES[1], 0, 1, [HASHES[0]], two)
    for index in range(4, 8):
        proof = prove_inclusion(ListNodes(HASHES), index, 8)
        with pytest.raises(ProofError):
            check_inclusion(HASHES[index], index - 4, 4, proof, tree_root(HASHES[:8]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 3)])
def test_nothing_is_proven_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        prove_inclusion(ListNodes(HASHES), index, size)


def test_a_proof_in_a_tree_of_2_to_the_62_is_checked_quickly() -> None:
    size = 1 << 62
    proof = [bytes((level,)) * 32 for level in range(62)]
    root = HASHES[0]
    for sibling in proof:
        root = hash_children(root, sibling)
    check_inclusion(HASHES[0], 0, size, proof, root)
    with pytest.raises(ProofError):
        check_inclusion(HASHES[0], 1, size, proof, root)
