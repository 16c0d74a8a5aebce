"""Leaves, openings, disclosures, trees and proofs: both implementations accept the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import canonical_json as ledgers_json
from ledger.entry.commitment import Commitment, commit_fields, commitment_root
from ledger.entry.disclosure import Disclosure, check_disclosure
from ledger.entry.disclosure import parse_opening as ledgers_opening
from ledger.entry.leaf import parse_leaf as ledgers_leaf
from ledger.merkle.consistency import check_consistency as ledgers_consistency
from ledger.merkle.hashing import tree_root
from ledger.merkle.inclusion import check_inclusion as ledgers_inclusion
from tests.conformance.agreement import JSON_PIECES, NAMES, TIMES, VALUES, agree, bent, decode_free, differ
from tests.verifier.log_forge import (
    consistency,
    path,
    tree,
)
from verifier.commitment import OpeningPart, check
from verifier.commitment import parse_opening as verifiers_opening
from verifier.hash_list import HashList
from verifier.leaf import Fields
from verifier.leaf import parse_leaf as verifiers_leaf
from verifier.merkle import check_consistency as verifiers_consistency
from verifier.merkle import check_inclusion as verifiers_inclusion
from verifier.merkle import root_of

HEX32 = st.binary(min_size=32, max_size=32).map(bytes.hex)
SYSTEM = {"stamped": "x", "token": "AA=="}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    """Leaves, most of them right, some with one member wrong."""
    seq = draw(st.sampled_from([0, 1, 2**53 - 1]))
    kind = draw(st.sampled_from(["evidence.anchored", "log.opened", "timestamp.recorded", "unheard.of"]))
    leaf: dict[str, Any] = {
        "chain": draw(st.binary(min_size=16, max_size=16)).hex(),
        "kind": kind,
        "seq": seq,
        "prev": None if seq == 0 else draw(HEX32),
        "time": draw(TIMES),
        "v": 1,
    }
    public = kind in ("log.opened", "timestamp.recorded")
    if public:
        leaf["public"] = SYSTEM if kind == "timestamp.recorded" else draw(st.dictionaries(NAMES, VALUES, max_size=3))
    else:
        leaf["fields"] = {"count": draw(st.integers(1, 1024)), "root": draw(HEX32)}
    wrong: list[tuple[str, Any]] = [
        ("v", 2), ("v", True), ("v", "1"), ("seq", -1), ("seq", True), ("seq", 2**53 - 1), ("seq", 0), ("prev", None),
        ("prev", "A" * 64), ("prev", "0" * 63), ("prev", 0), ("chain", "0" * 31), ("chain", "G" * 32), ("chain", None),
        ("kind", "Log"), ("kind", "a" * 129), ("kind", "a..b"), ("kind", 1), ("kind", "evidence.anchored"),
        ("kind", "log.closed"), ("time", "2026-02-29T00:00:00.000Z"), ("time", "2026-02-28T00:00:00Z"), ("time", 0),
        ("fields", {"count": 0, "root": "0" * 64}), ("fields", {"count": 1025, "root": "0" * 64}),
        ("fields", {"count": 1, "root": "0" * 64, "x": 1}), ("fields", {"count": True, "root": "0" * 64}),
        ("fields", {"count": 1}), ("fields", []), ("public", []), ("public", {"a": [[[[[[[[1]]]]]]]]}), ("public", {}),
        ("public", {"a": [[[[[[[1]]]]]]]}), ("extra", 1), ("é", 1),
    ]  # fmt: skip
    for name, value in draw(st.lists(st.sampled_from(wrong), max_size=2)):
        leaf[name] = value
    for name in draw(st.lists(st.sampled_from(["v", "prev", "fields", "public", "seq", "time"]), max_size=1)):
        if draw(st.booleans()):
            leaf.pop(name, None)
    return leaf


def by_ledger(data: bytes) -> tuple[Any, ...]:
    leaf = ledgers_leaf(data)
    fields = None if leaf.fields is None else (leaf.fields.count, leaf.fields.root)
    return leaf.chain, leaf.kind, leaf.seq, leaf.prev, leaf.time, fields, leaf.public


def by_verifier(data: bytes) -> tuple[Any, ...]:
    leaf = verifiers_leaf(data)
    fields = None if leaf.fields is None else (leaf.fields.count, leaf.fields.root)
    return leaf.chain, leaf.kind, leaf.seq, leaf.prev, leaf.time, fields, leaf.public


def known_difference_of_leaves(leaf: dict[str, Any]) -> bool:
    """A recorded token's `public`, of which only the verifier asks its two members: tested below."""
    return leaf.get("kind") == "timestamp.recorded" and leaf.get("public") not in (None, SYSTEM)


@given(leaves())
def test_leaves(leaf: dict[str, Any]) -> None:
    if not known_difference_of_leaves(leaf):
        data = ledgers_json.serialise(leaf)
        agree(lambda: by_ledger(data), lambda: by_verifier(data))


@pytest.mark.parametrize("size", [65_535, 65_536])
def test_the_longest_leaf(size: int) -> None:
    leaf = {"chain": "0" * 32, "kind": "unheard.of", "prev": None, "public": {"x": ""}, "seq": 0, "v": 1}
    leaf["time"] = "2026-11-21T09:15:02.123Z"
    spare = size - len(ledgers_json.serialise(leaf))
    leaf["public"] = {"x": "x" * spare}
    data = ledgers_json.serialise(leaf)
    assert agree(lambda: by_ledger(data), lambda: by_verifier(data)) is (size == 65_535)


OPENING_PIECES = [*JSON_PIECES, "@names", "==", "=", "AAAA", "file.name", '"@names"', "Z"]


@given(
    bent(
        st.tuples(NAMES, st.binary(min_size=15, max_size=17), VALUES).map(
            lambda each: ledgers_json.serialise([each[0], decode_free(each[1]), each[2]]).decode()
        ),
        OPENING_PIECES,
    )
)
def test_openings(text: str) -> None:
    data = text.encode()

    def ledger() -> tuple[str, bytes, Any]:
        opening = ledgers_opening(data, "x")
        return opening.name, opening.salt, opening.value

    def verifier() -> tuple[str, bytes, Any]:
        opening = verifiers_opening(data)
        return opening.name, opening.salt, opening.value

    agree(ledger, verifier)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.data())
def test_disclosures(fields: dict[str, Any], data: st.DataObject) -> None:
    """A disclosure of some fields, with one part swapped, dropped, bent or put elsewhere."""
    committed = commit_fields(bytes(32), fields)
    count, root, hashes = committed.commitment.count, committed.commitment.root, list(committed.hashes)
    openings = {
        place: opening
        for place, opening in enumerate(committed.openings)
        if place == 0 or data.draw(st.booleans(), label=f"open {place}")
    }
    match data.draw(st.integers(0, 6), label="fault"):
        case 1:
            openings.pop(data.draw(st.sampled_from(sorted(openings))))
        case 2:
            place = data.draw(st.integers(0, count - 1))
            openings[place] = data.draw(st.sampled_from(list(committed.openings)))
        case 3:
            hashes[data.draw(st.integers(0, count - 1))] = bytes(32)
        case 4:
            hashes.pop()
        case 5:
            openings[data.draw(st.integers(count, count + 2))] = committed.openings[-1]
        case 6:
            count = data.draw(st.integers(1, 1024))

    def ledger() -> tuple[tuple[str, ...], dict[str, Any]]:
        opened = check_disclosure(Disclosure(tuple(hashes), openings), Commitment(root, count))
        return opened.names, opened.opened

    def verifier() -> tuple[tuple[str, ...], dict[str, Any]]:
        parts = [OpeningPart(openings[place], place) for place in sorted(openings)]
        found = check(Fields(count, root), HashList(tuple(hashes)), parts, None)
        return found.names, dict(found.values)

    agree(ledger, verifier)


@given(st.integers(1, 70), st.data())
def test_trees_and_proofs(size: int, data: st.DataObject) -> None:
    """Roots alike; proofs, right or with one fault, accepted by both or by neither."""
    hashes = [hashlib.sha256(bytes([place])).digest() for place in range(size)]
    assert tree_root(hashes) == root_of(hashes) == tree(hashes) == commitment_root(hashes)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof, grown = path(index, hashes), (consistency(old, hashes) if old else [])
    fault = data.draw(st.integers(0, 5), label="fault")
    proof, grown = spoil(proof, fault, data), spoil(grown, fault, data)
    index += data.draw(st.sampled_from([0, 0, 0, 1, -1, 2**40]), label="shift")
    root = tree(hashes)

    def included(check: Callable[..., None], *arguments: Any) -> Callable[[], bool]:
        return lambda: check(*arguments) is None

    agree(
        included(
            ledgers_inclusion,
            hashes[0] if fault == 5 else hashes[min(max(index, 0), size - 1)],
            index,
            size,
            proof,
            root,
        ),
        included(
            verifiers_inclusion,
            index,
            size,
            hashes[0] if fault == 5 else hashes[min(max(index, 0), size - 1)],
            proof,
            root,
        ),
    )
    agree(
        included(ledgers_consistency, old, tree(hashes[:old]), size, root, grown),
        included(verifiers_consistency, old, tree(hashes[:old]), size, root, grown),
    )
    agree(
        included(ledgers_consistency, size, root, old, tree(hashes[:old]), grown),
        included(verifiers_consistency, size, root, old, tree(hashes[:old]), grown),
    )


def spoil(proof: list[bytes], fault: int, data: st.DataObject) -> list[bytes]:
    match fault:
        case 1:
            return proof[:-1]
        case 2:
            return [*proof, bytes(32)]
        case 3:
            return proof[::-1]
        case 4:
            return [*proof[:1], *proof]
    return proof


# --- where they are known to differ ----------------------------------------------------------------------------------


def test_only_the_verifier_asks_a_recorded_token_for_its_members() -> None:
    """entry.md says what `public` of timestamp.recorded is: the verifier is right, the ledger never writes another."""
    leaf = {"chain": "0" * 32, "kind": "timestamp.recorded", "prev": None, "public": {}, "seq": 0, "v": 1}
    data = ledgers_json.serialise(leaf | {"time": "2026-11-21T09:15:02.123Z"})
    differ(lambda: by_verifier(data), lambda: by_ledger(data))
