"""The verifier's own tree, note and signature code against other people's vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.verifier.vectors import FOLDER, load, needs_vectors
from verifier import cosignature
from verifier.checkpoint import BadCheckpoint, Checkpoint, parse_checkpoint
from verifier.cosignature import BadSignature, check_line
from verifier.merkle import BadProof, Frontier, check_consistency, check_inclusion, leaf_hash, root_of
from verifier.signed_note import BadNote, Key, SignatureLine, lines_of, parse_vkey, text_of

pytestmark = needs_vectors

MERKLE = FOLDER / "transparency-dev-merkle"
TILED = FOLDER / "transparency-dev-tessera" / "testdata" / "log"


def decoded(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def files(folder: str) -> list[Path]:
    return sorted((MERKLE / folder).rglob("*.json"))


@pytest.mark.parametrize("path", files("inclusion"), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_inclusion(path: Path) -> None:
    vector = json.loads(path.read_text())
    leaf, root = decoded([vector["leafHash"] or "", vector["root"] or ""])
    arguments = (vector["leafIdx"], vector["treeSize"], leaf, decoded(vector["proof"]), root)
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@pytest.mark.parametrize("path", files("consistency"), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_consistency(path: Path) -> None:
    vector = json.loads(path.read_text())
    root1, root2 = decoded([vector["root1"] or "", vector["root2"] or ""])
    arguments = (vector["size1"], root1, vector["size2"], root2, decoded(vector["proof"]))
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            check_consistency(*arguments)
    else:
        check_consistency(*arguments)


def test_there_are_as_many_vectors_as_the_readme_says() -> None:
    assert len(files("inclusion")) == len(files("consistency")) == 98


def test_reference_tree() -> None:
    reference = load("rfc6962-reference", "reference_tree.json")
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in reference["leaves_hex"]]
    assert [value.hex() for value in hashes] == reference["leaf_hashes_hex"]
    roots = next(value for name, value in reference.items() if name.startswith("roots"))
    listed = roots if isinstance(roots, list) else [roots[str(size)] for size in range(9)]
    assert [root_of(hashes[:size]).hex() for size in range(9)] == listed


def tiled_key() -> Key:
    return parse_vkey((TILED.parents[1] / "log.vkey").read_text().strip())


@pytest.mark.parametrize("size", range(1, 16))
def test_tiled_log(size: int) -> None:
    note = (TILED / f"checkpoint.{size}").read_bytes()
    checkpoint = parse_checkpoint(text_of(note))
    (line,) = lines_of(note)
    check_line(line, tiled_key(), checkpoint)
    data = (TILED / "tile" / "0" / "000.p" / str(size)).read_bytes()
    assert checkpoint.size == size
    assert root_of([data[at : at + 32] for at in range(0, len(data), 32)]) == checkpoint.root
    entries = (TILED / "tile" / "entries" / "000.p" / str(size)).read_bytes()
    tree, at = Frontier(), 0
    while at < len(entries):
        end = at + 2 + int.from_bytes(entries[at : at + 2], "big")
        tree.append(leaf_hash(entries[at + 2 : end]))
        at = end
    assert tree.root() == checkpoint.root
    other = parse_checkpoint(text_of(note).replace(b"testdata\n", b"testdata2\n"))
    with pytest.raises(BadSignature):
        check_line(line, tiled_key(), other)


@pytest.mark.parametrize("name", ["signed-note-example", "c2sp-issue-99-checkpoint"])
def test_c2sp_examples(name: str) -> None:
    note = (FOLDER / "c2sp-spec-examples" / f"{name}.note").read_bytes()
    key = parse_vkey((FOLDER / "c2sp-spec-examples" / f"{name}.vkey").read_text().strip())
    (line,) = lines_of(note)
    assert line.is_of(key)
    check_line(line, key, Checkpoint("any", 1, bytes(32), text_of(note)))
    with pytest.raises(BadSignature):
        check_line(line, key, Checkpoint("any", 1, bytes(32), text_of(note).upper()))


def test_a_general_note_is_no_checkpoint() -> None:
    note = (FOLDER / "c2sp-spec-examples" / "signed-note-example.note").read_bytes()
    with pytest.raises(BadCheckpoint):
        parse_checkpoint(text_of(note))
    with pytest.raises(BadNote):
        lines_of(note[:-1])


def test_wycheproof_ed25519() -> None:
    judged = 0
    for group in load("wycheproof", "testvectors_v1", "ed25519_test.json")["testGroups"]:
        key = Key("w", bytes(4), 1, bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            line = SignatureLine("w", bytes(4), bytes.fromhex(test["sig"]))
            checkpoint = Checkpoint("w", 1, bytes(32), bytes.fromhex(test["msg"]))
            judged += 1
            if test["result"] == "valid":
                check_line(line, key, checkpoint)
            else:
                with pytest.raises(BadSignature):
                    check_line(line, key, checkpoint)
    assert judged > 100


def test_wycheproof_ml_dsa_44(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signed message is put in the place of the checkpoint's; a signature under a context is none of ours."""
    accepted = judged = 0
    checkpoint = Checkpoint("w", 1, bytes(32), b"")
    for group in load("wycheproof", "testvectors_v1", "mldsa_44_verify_test.json")["testGroups"]:
        key = Key("w", bytes(4), 6, bytes.fromhex(group["publicKey"]))
        for test in group["tests"]:
            message = bytes.fromhex(test["msg"])
            monkeypatch.setattr(cosignature, "_subtree_message", lambda *_, message=message: message)
            line = SignatureLine("w", bytes(4), bytes(8) + bytes.fromhex(test["sig"]))
            judged += 1
            if test["result"] == "valid" and not test.get("ctx"):
                check_line(line, key, checkpoint)
                accepted += 1
            else:
                with pytest.raises(BadSignature):
                    check_line(line, key, checkpoint)
    assert judged > 150 and accepted > 70
