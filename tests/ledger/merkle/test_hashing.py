"""Hashing against the reference tree of Certificate Transparency, RFC 6962's definitions, and pymerkle."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from pymerkle import InmemoryTree

import ledger.merkle
from ledger.merkle.hashing import EMPTY_ROOT, hash_children, hash_leaf, hash_pairs, tree_root
from tests.ledger.merkle.trees import leaf_hashes, mth


def test_the_reference_tree_of_certificate_transparency(vectors: Path) -> None:
    reference = json.loads((vectors / "rfc6962-reference" / "reference_tree.json").read_bytes())
    hashes = [hash_leaf(bytes.fromhex(leaf)) for leaf in reference["leaves_hex"]]
    assert [each.hex() for each in hashes] == reference["leaf_hashes_hex"]
    assert len(reference["roots_hex"]) == 9
    for size, root in enumerate(reference["roots_hex"]):
        assert tree_root(hashes[:size]).hex() == root, size


def test_the_package_teaches_the_tree_with_true_hashes() -> None:
    first, second = hash_leaf(b""), hash_leaf(b"\x00")
    text = ledger.merkle.__doc__ or ""
    for each in (first, second, hash_children(first, second)):
        assert each.hex() in text


def test_roots_are_the_recursive_definition() -> None:
    hashes = leaf_hashes(600)
    for size in [*range(140), 255, 256, 257, 511, 512, 513, 600]:
        assert tree_root(hashes[:size]) == mth(hashes[:size]), size


def test_roots_equal_pymerkles() -> None:
    tree = InmemoryTree(algorithm="sha256")
    for size in range(1, 200):
        tree.append_entry(str(size - 1).encode())
        assert tree_root(leaf_hashes(size)) == tree.get_root(), size


def test_leaves_and_nodes_have_domains_of_their_own() -> None:
    left, right = leaf_hashes(2)
    assert hash_leaf(left + right) != hash_children(left, right)
    assert hash_leaf(b"") != EMPTY_ROOT == sha256().digest() == tree_root([])
    assert hash_children(left, right) != hash_children(right, left)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9])
def test_pairs_leave_an_odd_last_hash_out(count: int) -> None:
    hashes = leaf_hashes(count)
    pairs = zip(hashes[::2], hashes[1::2], strict=False)
    assert hash_pairs(hashes) == [hash_children(left, right) for left, right in pairs]
