"""What leaves this ledger, checked with tools that nobody here wrote: openssl, pymerkle, sha256sum.

Promise 3 of the design. The verifier is not asked, nor any code of the ledger's but to make the bundle.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree
from pymerkle.hasher import MerkleHasher

from tests.conformance.own_ledger import FILE, ORIGIN, Produced


def need(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return found


@pytest.fixture(scope="module")
def unzipped(tmp_path_factory: pytest.TempPathFactory, produced: Produced) -> Path:
    """The bundle's folder, as somebody else's program unpacks it."""
    where = tmp_path_factory.mktemp("unzipped")
    with zipfile.ZipFile(io.BytesIO(produced.bundle)) as archive:
        assert archive.testzip() is None
        archive.extractall(where)
    return where


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need("openssl"), *map(str, arguments)], capture_output=True, text=True, timeout=30)


def test_openssl_verifies_the_timestamps(unzipped: Path, tmp_path: Path, produced: Produced) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(produced.root)
    stamps = sorted(unzipped.glob("timestamps/*"))
    assert len(stamps) == 2
    for stamp in stamps:
        arguments = ("ts", "-verify", "-data", stamp / "stamped", "-in", stamp / "token.tsr", "-CAfile", root)
        assert "Verification: OK" in openssl(*arguments).stdout
        changed = tmp_path / "changed"
        changed.write_bytes((stamp / "stamped").read_bytes().replace(b"/court", b"/Court"))
        assert (
            "Verification: OK"
            not in openssl(*(changed if each == stamp / "stamped" else each for each in arguments)).stdout
        )


def test_the_readme_says_commands_that_work(unzipped: Path, tmp_path: Path, produced: Produced) -> None:
    """Every line that is no comment, run by a shell in the unzipped folder, as its reader would."""
    for tool in ("sh", "openssl", "sha256sum", "sha512sum"):
        need(tool)
    for name, data in produced.trust.items():
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(name).write_bytes(data)
    text = (unzipped / "README.txt").read_text().replace("TRUST=../trust", f"TRUST={tmp_path}")
    commands = text[text.index("TRUST=") :]
    ran = subprocess.run(["sh", "-e"], input=commands, cwd=unzipped, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Verification: OK") + ran.stderr.count("Verification: OK") == 2
    digests = {
        json.loads(path.read_bytes())[2]
        for path in unzipped.glob(f"entries/{produced.index}/fields/*.json")
        if path.read_bytes().startswith(b'["file.sha')
    }
    assert digests == {hashlib.sha256(FILE).hexdigest(), hashlib.sha512(FILE).hexdigest()}
    assert all(digest in ran.stdout for digest in digests)


class Proof:
    """A tlog-proof, read by C2SP's text and with nothing of this project's."""

    def __init__(self, data: bytes) -> None:
        head, _, self.checkpoint = data.partition(b"\n\n")
        first, index, *path = head.decode().split("\n")
        assert first == "c2sp.org/tlog-proof@v1"
        self.index = int(index.removeprefix("index "))
        self.path = [base64.b64decode(line) for line in path]
        self.text, _, self.lines = self.checkpoint.decode().rpartition("\n\n")
        origin, size, root = self.text.split("\n")
        self.origin, self.size, self.root = origin, int(size), base64.b64decode(root)


def pymerkle_tree(leaves: Sequence[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        tree.append_entry(leaf)
    return tree


def test_pymerkle_has_the_same_tree_and_the_same_paths(unzipped: Path, produced: Produced) -> None:
    """From the leaves alone, an implementation that others wrote comes to the signed root and to each proof."""
    tree = pymerkle_tree(produced.leaves)
    hasher = MerkleHasher(tree.algorithm)
    for folder in sorted(unzipped.glob("entries/*")):
        proof = Proof((folder / "proof.tlog-proof").read_bytes())
        leaf = (folder / "leaf.json").read_bytes()
        assert produced.leaves[proof.index] == leaf and int(folder.name) == proof.index
        assert tree.get_root(proof.size) == proof.root
        theirs = tree.prove_inclusion(proof.index + 1, proof.size)
        assert theirs.path[0] == hasher.hash_buff(leaf)
        assert list(theirs.path[1:]) == proof.path
        assert theirs.compute_root() == proof.root


def test_pymerkle_has_the_stamped_roots(unzipped: Path, produced: Produced) -> None:
    tree = pymerkle_tree(produced.leaves)
    for stamp in sorted(unzipped.glob("timestamps/*")):
        origin, size, root, end = (stamp / "stamped").read_text().split("\n")
        assert (origin, end) == (ORIGIN, "")
        assert base64.b64encode(tree.get_root(int(size))).decode() == root


def test_the_receipts_proof_is_the_bundles(unzipped: Path, produced: Produced) -> None:
    receipt = json.loads(produced.receipt)
    folder = unzipped / "entries" / str(produced.index)
    assert receipt["leaf"].encode() == (folder / "leaf.json").read_bytes()
    mine, theirs = Proof(receipt["proof"].encode()), Proof((folder / "proof.tlog-proof").read_bytes())
    assert (mine.index, mine.path, mine.text) == (theirs.index, theirs.path, theirs.text)


def test_the_ed25519_line_by_the_note_specification(unzipped: Path, produced: Produced) -> None:
    """C2SP signed-note's own words: key ID and signature, from the policy's vkey."""
    vkey = next(line.split(" ")[1] for line in produced.trust["policy"].decode().splitlines() if line.startswith("log"))
    name, key_id, material = vkey.split("+", 2)
    public = base64.b64decode(material)
    assert hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8] == key_id and public[0] == 1
    proof = Proof((unzipped / f"entries/{produced.index}/proof.tlog-proof").read_bytes())
    lines = re.findall(rf"^— {re.escape(name)} (\S+)$", proof.lines, re.MULTILINE)
    signature = next(raw[4:] for raw in map(base64.b64decode, lines) if raw[:4].hex() == key_id)
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature, (proof.text + "\n").encode())


GO_PROGRAM = """package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	signed, _ := io.ReadAll(os.Stdin)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		panic(err)
	}
	fmt.Print(opened.Text)
}
"""


# Not a part of `make test`, which needs no Go and no module proxy; a skip would fail where tools are required.
if "EVIDENCE_GO_MODULES" in os.environ:

    def test_go_opens_the_checkpoint(tmp_path: Path, unzipped: Path, produced: Produced) -> None:
        """The implementation that the note format comes from."""
        go = need("go")
        (tmp_path / "main.go").write_text(GO_PROGRAM)
        (tmp_path / "go.mod").write_text("module check\n\ngo 1.21\n\nrequire golang.org/x/mod v0.17.0\n")
        run = {"cwd": tmp_path, "check": True, "timeout": 170, "env": {**os.environ, "GOFLAGS": "-mod=mod"}}
        subprocess.run([go, "mod", "tidy"], **run)  # type: ignore[call-overload]  # one set of options for both calls
        vkey = produced.trust["policy"].decode().split(" ")[1].split("\n")[0]
        proof = Proof((unzipped / f"entries/{produced.index}/proof.tlog-proof").read_bytes())
        opened = subprocess.run([go, "run", ".", vkey], input=proof.checkpoint, capture_output=True, **run)  # type: ignore[call-overload]  # as above
        assert opened.stdout.decode() == proof.text + "\n"
