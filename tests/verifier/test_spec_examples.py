"""Each `example` block of the specification, recomputed with the verifier's code."""

from __future__ import annotations

import re
from pathlib import Path

from verifier.commitment import OpeningPart, check, check_anchored, parse_opening, salt_of
from verifier.hash_list import from_lines
from verifier.leaf import parse_leaf
from verifier.merkle import leaf_hash, root_of
from verifier.receipt_number import check_digits, index_of

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"


def example(page: str, name: str) -> bytes:
    """The text of an example block, without its last line feed."""
    found = re.search(rf"^```example {name}\n(.*?)\n```$", (SPEC / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[1].encode()


def test_commitment() -> None:
    openings = example("commitment.md", "commitment-openings").split(b"\n")
    hashes = from_lines(example("commitment.md", "commitment-hashes") + b"\n")
    root = bytes.fromhex(example("commitment.md", "commitment-root").decode())
    assert [parse_opening(opening).field_hash for opening in openings] == list(hashes.hashes)
    assert root_of(hashes.hashes) == root
    secret = bytes(range(32))
    assert [salt_of(secret, parse_opening(opening).name) for opening in openings] == [
        parse_opening(opening).salt for opening in openings
    ]
    leaf = parse_leaf(example("entry.md", "leaf"))
    assert leaf.fields is not None and leaf.fields.root == root
    disclosure = check(leaf.fields, hashes, [OpeningPart(opening) for opening in openings], secret)
    check_anchored(disclosure)
    assert disclosure.values["file.size"] == 3 and not disclosure.closed


def test_leaf_hash() -> None:
    leaf = example("entry.md", "leaf")
    assert parse_leaf(leaf).hash == leaf_hash(leaf) == bytes.fromhex(example("entry.md", "leaf-hash").decode())


def test_tree() -> None:
    listed = dict(line.split() for line in example("log.md", "tree").decode().splitlines())
    hashes = [leaf_hash(leaf) for leaf in (b"a", b"b", b"c")]
    assert leaf_hash(b"").hex() == listed["leaf-hash-empty"]
    assert hashes[0].hex() == listed["leaf-hash-a"]
    assert root_of(hashes[:2]).hex() == listed["root-of-a-b"]
    assert root_of(hashes).hex() == listed["root-of-a-b-c"]


def test_receipt_numbers() -> None:
    for line in example("entry.md", "receipt-numbers").decode().splitlines():
        index, number = line.split()
        assert index_of(number) == int(index) and number.endswith(check_digits(int(index)))
