"""Step 5: proofs, the one checkpoint, the receipt number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier.log_forge import (
    STRANGER,
    b64,
    number,
)
from tests.verifier.scene import FOLDER, Scene, assert_fails
from tests.verifier.zip_forge import bundle


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


BAD_PROOFS: dict[str, Callable[[bytes], bytes]] = {
    "another header": lambda proof: proof.replace(b"@v1", b"@v2", 1),
    "no index": lambda proof: proof.replace(b"index 2\n", b"", 1),
    "index with a zero": lambda proof: proof.replace(b"index 2", b"index 02", 1),
    "index with a sign": lambda proof: proof.replace(b"index 2", b"index +2", 1),
    "index of another": lambda proof: proof.replace(b"index 2", b"index 3", 1),
    "index beyond": lambda proof: proof.replace(b"index 2", b"index 5", 1),
    "extra": lambda proof: proof.replace(b"index 2", b"extra AAAA\nindex 2", 1),
    "a hash less": lambda proof: b"\n".join([*proof.split(b"\n")[:2], *proof.split(b"\n")[3:]]),
    "a hash more": lambda proof: proof.replace(b"\n\n", b"\n" + b64(bytes(32)).encode() + b"\n\n", 1),
    "a hash of 31 bytes": lambda proof: proof.replace(proof.split(b"\n")[2], b64(bytes(31)).encode(), 1),
    "a carriage return": lambda proof: proof.replace(b"index 2\n", b"index 2\r\n", 1),
    "no empty line": lambda proof: proof.split(b"\n\n")[0] + b"\n",
    "two empty lines": lambda proof: proof.replace(b"\n\n", b"\n\n\n", 1),
    "a thousand hashes": lambda proof: proof.replace(b"\n\n", (b"\n" + b64(bytes(32)).encode()) * 1_000 + b"\n\n", 1),
}


@pytest.mark.parametrize("change", BAD_PROOFS.values(), ids=BAD_PROOFS.keys())
def test_step_5_proofs(scene: Scene, change: Callable[[bytes], bytes]) -> None:
    members = scene.entry_members()
    proof = f"{FOLDER}/proof.tlog-proof"
    changed = change(members[proof])
    assert changed != members[proof]
    assert_fails(scene.run_entry({**members, proof: changed}), 5)


def test_step_5_one_checkpoint_for_all(scene: Scene) -> None:
    members = scene.entry_members()
    later = scene.log.checkpoint() + STRANGER.line(scene.log.text())
    members["entries/4/proof.tlog-proof"] = scene.log.proof(4, later)
    assert_fails(scene.run_entry(members), 5)


@pytest.mark.parametrize(
    "stated",
    [
        "EL-0000000002-00",
        "EL-2-92",
        "el-0000000002-92",
        "EL-0000000002-92 ",
        "EL-0000000009-71",
        "",
        "EL-٠٠٠٠٠٠٠٠٠٢-92",
    ],
)
def test_step_5_number(scene: Scene, stated: str) -> None:
    assert_fails(scene.run(bundle(scene.entry_members(), number=stated)), 5)


def test_check_digits_are_compared_not_only_tested(scene: Scene) -> None:
    entry = scene.evidence
    while not (two := number(entry.index)).endswith("-98"):
        entry = scene.log.append("evidence.read", fields={"a": 1})
        if entry.index > 97:
            break
    assert two.endswith("-98")
    members = scene.log.members(entry)
    assert scene.run(bundle(members, number=two)).verdict == "verified"
    assert_fails(scene.run(bundle(members, number=two[:-2] + "01")), 5)
