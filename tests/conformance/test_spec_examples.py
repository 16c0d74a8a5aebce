"""Every `example` block of docs/spec is recomputed by both implementations; one that nobody recomputes fails."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.entry.commitment import Commitment, commit_fields, commitment_root, field_hash, opening_bytes
from ledger.entry.leaf import format_leaf
from ledger.entry.leaf import parse_leaf as ledgers_leaf
from ledger.entry.receipt_number import format_number, parse_number
from ledger.merkle.hashing import hash_leaf, tree_root
from verifier.commitment import OpeningPart, check, parse_opening, salt_of
from verifier.hash_list import from_lines
from verifier.leaf import parse_leaf as verifiers_leaf
from verifier.merkle import leaf_hash, root_of
from verifier.receipt_number import check_digits, index_of

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"
FENCE = re.compile(r"^```example ([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECRET = bytes(range(32))
FILE = b"abc"


def blocks() -> list[tuple[str, str, str]]:
    """Page, name and text of each example."""
    return [(page.name, *found) for page in sorted(SPEC.glob("*.md")) for found in FENCE.findall(page.read_text())]


EXAMPLES = {name: text for _, name, text in blocks()}


def openings() -> list[bytes]:
    return [line.encode() for line in EXAMPLES["commitment-openings"].splitlines()]


def hashes() -> list[bytes]:
    return [bytes.fromhex(line) for line in EXAMPLES["commitment-hashes"].splitlines()]


def commitment_openings() -> None:
    values = {opening[0]: opening[2] for opening in map(json.loads, openings()[1:])}
    digests = {"file.sha256": hashlib.sha256(FILE).hexdigest(), "file.sha512": hashlib.sha512(FILE).hexdigest()}
    assert {name: values[name] for name in digests} == digests and values["file.size"] == len(FILE)
    assert list(commit_fields(SECRET, values).openings) == openings()
    for data in openings():
        opening = parse_opening(data)
        assert opening.salt == salt_of(SECRET, opening.name)
        assert opening_bytes(opening.name, opening.salt, opening.value) == data


def commitment_hashes() -> None:
    assert [field_hash(data) for data in openings()] == hashes()
    assert [parse_opening(data).field_hash for data in openings()] == hashes()


def commitment_the_root() -> None:
    root = bytes.fromhex(EXAMPLES["commitment-root"].strip())
    assert commitment_root(hashes()) == root == root_of(hashes())
    parts = [OpeningPart(data) for data in openings()]
    stated = verifiers_leaf(EXAMPLES["leaf"].strip().encode()).fields
    assert stated is not None and stated.root == root
    disclosure = check(stated, from_lines(EXAMPLES["commitment-hashes"].encode()), parts, SECRET)
    assert len(disclosure.values) == len(parts) - 1


def receipt_numbers() -> None:
    for line in EXAMPLES["receipt-numbers"].splitlines():
        index, number = line.split(" ")
        assert format_number(int(index)) == number and parse_number(number) == int(index)
        assert index_of(number) == int(index) and number.endswith(f"-{check_digits(int(index))}")


def leaf() -> None:
    data = EXAMPLES["leaf"].strip().encode()
    one, two = ledgers_leaf(data), verifiers_leaf(data)
    assert format_leaf(one) == data
    assert one.fields is not None and two.fields is not None
    assert one.fields == Commitment(two.fields.root, two.fields.count)
    assert one.fields.root.hex() == EXAMPLES["commitment-root"].strip()


def the_leaf_hash() -> None:
    data, expected = EXAMPLES["leaf"].strip().encode(), bytes.fromhex(EXAMPLES["leaf-hash"].strip())
    assert hash_leaf(data) == leaf_hash(data) == verifiers_leaf(data).hash == expected


def tree() -> None:
    stated = {name: bytes.fromhex(value) for name, value in map(str.split, EXAMPLES["tree"].splitlines())}
    for leaf_of, root in ((hash_leaf, tree_root), (leaf_hash, root_of)):
        a, b, c = (leaf_of(letter) for letter in (b"a", b"b", b"c"))
        assert stated == {
            "leaf-hash-a": a,
            "leaf-hash-empty": leaf_of(b""),
            "root-of-a-b": root([a, b]),
            "root-of-a-b-c": root([a, b, c]),
        }


RECOMPUTED: dict[str, Callable[[], None]] = {
    "commitment-openings": commitment_openings,
    "commitment-hashes": commitment_hashes,
    "commitment-root": commitment_the_root,
    "receipt-numbers": receipt_numbers,
    "leaf": leaf,
    "leaf-hash": the_leaf_hash,
    "tree": tree,
}


def test_each_example_is_known_and_stands_once() -> None:
    names = [name for _, name, _ in blocks()]
    assert sorted(names) == sorted(RECOMPUTED), blocks()
    marked = sum(page.read_text().count("```example") for page in SPEC.glob("*.md"))
    assert marked == len(names) + 0  # a fence that the pattern misses would never be recomputed


@pytest.mark.parametrize("name", RECOMPUTED)
def test_example(name: str) -> None:
    RECOMPUTED[name]()
