"""The vectors that nobody here wrote, and the bundles written apart: both implementations say the same of each part."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ledger.entry.commitment import Commitment
from ledger.entry.disclosure import Disclosure, check_disclosure
from ledger.entry.leaf import parse_leaf as ledgers_leaf
from ledger.merkle.consistency import check_consistency as ledgers_consistency
from ledger.merkle.inclusion import check_inclusion as ledgers_inclusion
from ledger.note.policy import parse_policy as ledgers_policy
from ledger.note.proof_file import parse_proof as ledgers_proof
from ledger.note.signed_note import parse_note
from tests.conformance.agreement import REFUSED, agree, asked
from tests.verifier.vectors import BUNDLES, FOLDER, needs_vectors
from verifier.checkpoint import parse_proof as verifiers_proof
from verifier.commitment import OpeningPart, check
from verifier.hash_list import HashList, from_lines
from verifier.leaf import Fields
from verifier.leaf import parse_leaf as verifiers_leaf
from verifier.merkle import check_consistency as verifiers_consistency
from verifier.merkle import check_inclusion as verifiers_inclusion
from verifier.policy import parse_policy as verifiers_policy
from verifier.signed_note import lines_of, text_of

pytestmark = needs_vectors

Members = dict[str, bytes]


def bundles() -> Iterator[tuple[str, Members]]:
    for path in sorted(BUNDLES.glob("*/*.zip")):
        with zipfile.ZipFile(path) as archive:
            yield path.name, {name: archive.read(name) for name in archive.namelist()}


def decoded(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_merkle_vectors(kind: str) -> None:
    accepted = 0
    for path in sorted((FOLDER / "transparency-dev-merkle" / kind).rglob("*.json")):
        case: dict[str, Any] = json.loads(path.read_text())
        proof = decoded(case["proof"])
        if kind == "inclusion":
            leaf, root = decoded([case["leafHash"], case["root"]])
            index, size = case["leafIdx"], case["treeSize"]
            ledger = partial(ledgers_inclusion, leaf, index, size, proof, root)
            verifier = partial(verifiers_inclusion, index, size, leaf, proof, root)
        else:
            small, large = decoded([case["root1"], case["root2"]])
            ledger = partial(ledgers_consistency, case["size1"], small, case["size2"], large, proof)
            verifier = partial(verifiers_consistency, case["size1"], small, case["size2"], large, proof)
        accepted += agree(ledger, verifier)
    assert accepted > 0


def leaf_of(data: bytes, parse: Any) -> tuple[Any, ...]:
    leaf = parse(data)
    fields = None if leaf.fields is None else (leaf.fields.count, leaf.fields.root)
    return leaf.chain, leaf.kind, leaf.seq, leaf.prev, leaf.time, fields, leaf.public


def test_leaves_of_all_bundles() -> None:
    seen = [
        agree(partial(leaf_of, data, ledgers_leaf), partial(leaf_of, data, verifiers_leaf))
        for _, members in bundles()
        for name, data in members.items()
        if name.endswith("/leaf.json")
    ]
    assert True in seen and False in seen


def test_proofs_and_notes_of_all_bundles() -> None:
    def by_ledger(data: bytes) -> tuple[Any, ...]:
        proof = ledgers_proof(data)
        note = parse_note(proof.note)
        return proof.index, proof.path, note.text, [(line.name, line.key_id, line.raw) for line in note.signatures]

    def by_verifier(data: bytes) -> tuple[Any, ...]:
        proof = verifiers_proof(data)
        lines = [(line.name, line.key_id, line.signature) for line in lines_of(proof.checkpoint)]
        return proof.index, proof.hashes, text_of(proof.checkpoint).decode(), lines

    seen = [
        agree(partial(by_ledger, data), partial(by_verifier, data))
        for _, members in bundles()
        for name, data in members.items()
        if name.endswith(".tlog-proof")
    ]
    assert True in seen and False in seen


def commitments(members: Members) -> Iterator[tuple[Any, tuple[bytes, ...], dict[int, bytes]]]:
    """The leaf's fields, the hashes and the openings of each entry that has all of them in a form to compare."""
    for name in [name for name in members if name.endswith("/hashes")]:
        folder, hashes = name.removesuffix("/hashes"), from_lines(members[name])
        leaf = asked(partial(verifiers_leaf, members.get(f"{folder}/leaf.json", b"")))
        if hashes.fault is not None or leaf == REFUSED or isinstance(leaf, str) or leaf.fields is None:
            continue
        openings = {
            int(member.split("/")[3].removesuffix(".json")): data
            for member, data in members.items()
            if member.startswith(f"{folder}/fields/")
        }
        yield leaf.fields, hashes.hashes, openings


def test_commitments_of_all_bundles() -> None:
    def by_ledger(fields: Fields, hashes: tuple[bytes, ...], openings: dict[int, bytes]) -> tuple[Any, ...]:
        opened = check_disclosure(Disclosure(hashes, openings), Commitment(fields.root, fields.count))
        return opened.names, opened.opened

    def by_verifier(fields: Fields, hashes: tuple[bytes, ...], openings: dict[int, bytes]) -> tuple[Any, ...]:
        parts = [OpeningPart(data, place) for place, data in sorted(openings.items())]
        found = check(fields, HashList(hashes), parts, None)
        return found.names, dict(found.values)

    seen = [
        agree(partial(by_ledger, *each), partial(by_verifier, *each))
        for _, members in bundles()
        for each in commitments(members)
    ]
    assert True in seen and False in seen


def test_policies_of_all_trust_folders() -> None:
    for path in sorted(BUNDLES.glob("trust*/policy")):
        mine, theirs = ledgers_policy(path.read_bytes()), verifiers_policy(path.read_bytes())
        assert [each.vkey.public for each in mine.logs] == [key.material for key in theirs.logs]
        assert {each.name.encode(): each.vkey.public for each in mine.witnesses} == {
            name: key.material for name, key in theirs.witnesses.items()
        }
        assert mine.quorum.encode() == theirs.quorum
