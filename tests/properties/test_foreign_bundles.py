"""Bundles that a producer and a verifier written apart agreed on, taken apart by the pure rooms.

Not a verifier (that is `verifier/`, of other code): only steps 2, 4, 5, 6, 7 and the consistency half of 8, each by the
function that the ledger itself writes and checks with. So both implementations answer the same to the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from ledger.entry.canonical_json import parse
from ledger.entry.disclosure import Disclosure, OpenedFields, check_disclosure
from ledger.entry.leaf import Leaf, format_leaf, parse_leaf
from ledger.entry.receipt_number import format_number, parse_number
from ledger.entry.text_encodings import decode_hex
from ledger.errors import LedgerError, ProofError
from ledger.merkle.consistency import check_consistency
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion
from ledger.note.checkpoint import Checkpoint, check_checkpoint, format_checkpoint, parse_checkpoint
from ledger.note.cosignature import check_cosignature
from ledger.note.keys import VerifierKey, parse_vkey
from ledger.note.policy import Policy, parse_policy
from ledger.note.proof_file import format_proof, parse_proof
from ledger.note.signed_note import format_note, parse_note

# The faults that these rooms must see, by the step that fails.
SEEN_STEPS = (2, 4, 6, 7)
SEEN_FILES = {
    "bad/step5-index-beyond-size.zip",
    "bad/step5-proof-names-other-index.zip",
    "bad/step8-consistency-not-empty-at-equal-size.zip",
    "bad/step8-stamped-of-four-lines.zip",
}


def lines_of(data: bytes) -> list[bytes]:
    assert not data or data.endswith(b"\n")
    return [decode_hex(line, 32, "hashes") for line in data.decode("ascii").split("\n")[:-1]]


def log_keys(trust: Path, origin: str) -> tuple[VerifierKey, ...]:
    """The log's keys that count in this trust folder: the policy's, or the retired ones where it lists any."""
    retired = trust / "retired"
    if retired.exists():
        words = [line.split() for line in retired.read_text().splitlines() if not line.startswith("#")]
        return tuple(parse_vkey(word[0]) for word in words)
    return parse_policy((trust / "policy").read_bytes()).log_keys(origin)


def check_witnesses(note_bytes: bytes, policy: Policy) -> None:
    note = parse_note(note_bytes)
    met = set()
    for witness in policy.witnesses:
        for line in note.signatures:
            if (line.name, line.key_id) == (witness.vkey.name, witness.vkey.key_id):
                assert check_cosignature(note.text, line, witness.vkey) > 0
                met.add(witness.name)
    assert policy.quorum_met(met)


def check_entry(
    members: dict[str, bytes], index: int, keys: tuple[VerifierKey, ...]
) -> tuple[Leaf, OpenedFields | None]:
    """Steps 2, 4, 5 and 6 over one entry; what was parsed is written again and must give the same bytes."""
    folder = f"entries/{index}"
    data = members[f"{folder}/leaf.json"]
    leaf = parse_leaf(data)
    assert format_leaf(leaf) == data
    opened = None
    if leaf.fields is not None:
        prefix = f"{folder}/fields/"
        openings = {int(name[len(prefix) : -5]): members[name] for name in members if name.startswith(prefix)}
        opened = check_disclosure(Disclosure(tuple(lines_of(members[f"{folder}/hashes"])), openings), leaf.fields)
    proof = parse_proof(members[f"{folder}/proof.tlog-proof"])
    assert format_proof(proof.index, proof.path, proof.note) == members[f"{folder}/proof.tlog-proof"]
    if proof.index != index:
        raise ProofError(f"the proof in {folder} is of entry {proof.index}")
    note = parse_note(proof.note)
    assert format_note(note) == proof.note
    checkpoint = check_checkpoint(note, keys)
    check_inclusion(hash_leaf(data), index, checkpoint.size, proof.path, checkpoint.root)
    return leaf, opened


def check_stamped(members: dict[str, bytes], checkpoint: Checkpoint) -> int:
    """The consistency half of step 8; gives the number of timestamps."""
    folders = {name.rpartition("/")[0] for name in members if name.startswith("timestamps/")}
    for folder in folders:
        stamped = parse_checkpoint(members[f"{folder}/stamped"].decode())
        assert format_checkpoint(stamped).encode() == members[f"{folder}/stamped"]
        first, second = sorted((stamped, checkpoint), key=lambda each: each.size)
        proof = lines_of(members[f"{folder}/consistency"])
        check_consistency(first.size, first.root, second.size, second.root, proof)
    return len(folders)


def check_bundle(file: Path, trust: Path) -> int:
    with ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head = parse(members["bundle.json"], where="bundle.json")
    assert isinstance(head, dict)
    indexes = sorted({int(name.split("/")[1]) for name in members if name.startswith("entries/")})
    note = parse_proof(members[f"entries/{indexes[0]}/proof.tlog-proof"]).note
    keys = log_keys(trust, parse_checkpoint(parse_note(note).text).origin)
    for index in indexes:
        check_entry(members, index, keys)
    if head["subject"] == "entry":
        number = head["number"]
        assert isinstance(number, str)
        assert format_number(parse_number(number)) == number
        assert parse_number(number) in indexes
    check_witnesses(note, parse_policy((trust / "policy").read_bytes()))
    return check_stamped(members, check_checkpoint(note, keys))


def expected(vectors: Path) -> dict[str, dict[str, object]]:
    table = json.loads((vectors / "bundles" / "expected.json").read_bytes())
    assert isinstance(table, dict)
    return {name: case for name, case in table.items() if name.endswith(".zip")}


def test_every_good_bundle_holds(vectors: Path) -> None:
    folder = vectors / "bundles"
    good = {name: case for name, case in expected(vectors).items() if case["verdict"] == "verified"}
    assert len(good) >= 14
    timestamps = sum(check_bundle(folder / name, folder / str(case["trust"])) for name, case in good.items())
    assert timestamps >= 14


def test_every_fault_that_belongs_to_these_rooms_is_seen(vectors: Path) -> None:
    folder = vectors / "bundles"
    seen = 0
    for name, case in expected(vectors).items():
        if case["verdict"] == "not verified" and (case["step"] in SEEN_STEPS or name in SEEN_FILES):
            with pytest.raises(LedgerError):
                check_bundle(folder / name, folder / str(case["trust"]))
            seen += 1
    assert seen >= 18


def test_a_flipped_byte_in_any_checked_member_is_seen(vectors: Path) -> None:
    folder = vectors / "bundles"
    with ZipFile(folder / "good" / "entry-witnessed.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    keys = log_keys(folder / "trust-witness", "ledger.example/court")
    checked = [name for name in members if name.startswith("entries/4/")]
    assert len(checked) == 26
    check_entry(members, 4, keys)
    for name in checked:
        for at in {0, len(members[name]) // 2, len(members[name]) - 1}:
            bad = bytearray(members[name])
            bad[at] ^= 1
            text = bytes(bad)
            # The one region that no signature covers: the lines of keys that this reader does not list.
            if name.endswith("tlog-proof") and b"witness.example" in text[:at][text[:at].rfind(b"\n") :]:
                continue
            with pytest.raises((LedgerError, UnicodeDecodeError, AssertionError)):
                check_entry({**members, name: text}, 4, keys)
