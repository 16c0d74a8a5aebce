"""Step 6: the log's signatures, retired keys, and no trust at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.log_forge import (
    ED25519,
    ML_DSA,
    ORIGIN,
    RETIRED_ED25519,
    RETIRED_ML_DSA,
    STRANGER,
    b64,
    consistency,
    tree,
    write_trust,
)
from tests.verifier.scene import Scene, assert_fails, outcome, with_signers
from verifier.check import Outcome


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_step_6_every_type_the_policy_has(scene: Scene) -> None:
    assert scene.run_entry(with_signers(scene, ML_DSA, STRANGER, ED25519)).verdict == "verified"
    for signers in ((ED25519,), (ML_DSA,), (STRANGER,), (RETIRED_ED25519, RETIRED_ML_DSA)):
        assert_fails(scene.run_entry(with_signers(scene, *signers)), 6)


def test_step_6_a_reader_may_stop_believing_a_type(scene: Scene, tmp_path: Path) -> None:
    trust = write_trust(tmp_path / "ed25519", ED25519)
    assert scene.run_entry(with_signers(scene, ED25519), trust=trust).verdict == "verified"
    assert scene.run_entry(with_signers(scene, ED25519, ML_DSA), trust=trust).verdict == "verified"
    assert_fails(scene.run_entry(with_signers(scene, ML_DSA), trust=trust), 6)


def test_step_6_two_lines_of_a_key_must_both_verify(scene: Scene) -> None:
    text = scene.log.text()
    good, bad = ED25519.line(text), ED25519.line(text + b"x")
    assert scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=good)).verdict == "verified"
    assert_fails(scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=bad)), 6)
    unknown = STRANGER.line(text + b"x")
    assert scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=unknown)).verdict == "verified"


BAD_NOTES: dict[str, bytes] = {
    "no dash": b"- a AAAAAAA=\n",
    "no name": "—  AAAAAAA=\n".encode(),
    "a name with a plus": "— a+b AAAAAAA=\n".encode(),
    "a name with a unicode space": "— a\u00a0b AAAAAAA=\n".encode(),
    "not base64": "— a !!!!\n".encode(),
    "base64 not canonical": "— a AAAAAAB=\n".encode(),
    "base64 without padding": "— a AAAAAAA\n".encode(),
    "only a key id": "— a AAAAAA==\n".encode(),
    "a tab": "— a\tAAAAAAA=\n".encode(),
    "a carriage return": "— a AAAAAAA=\r\n".encode(),
    "two spaces": "— a  AAAAAAA=\n".encode(),
    "a null": "— a\0 AAAAAAA=\n".encode(),
    "not utf-8": b"\xe2\x80\x94 \xff AAAAAAA=\n",
    "no last line feed": "— a AAAAAAA=".encode(),
    "a hundred and one lines": "— a AAAAAAA=\n".encode() * 99,
}


@pytest.mark.parametrize("tail", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_step_6_lines(scene: Scene, tail: bytes) -> None:
    result = scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=tail))
    assert_fails(result, 6)
    assert scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=tail), trust=None).verdict == "not verified"


def test_step_6_a_hundred_lines(scene: Scene) -> None:
    tail = "— a AAAAAAA=\n".encode() * 98
    assert scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=tail)).verdict == "verified"


def signed_text(text: bytes) -> bytes:
    return text + b"\n" + ED25519.line(text) + ML_DSA.line(scene_text(text))


def scene_text(text: bytes) -> bytes:
    """Something an ML-DSA line can be made for."""
    return f"{ORIGIN}\n5\n{b64(bytes(32))}\n".encode()


BAD_TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "an extension line": lambda text: text + b"extension\n",
    "size with a zero": lambda text: text.replace(b"\n5\n", b"\n05\n"),
    "size with a sign": lambda text: text.replace(b"\n5\n", b"\n+5\n"),
    "size beyond 64 bits": lambda text: text.replace(b"\n5\n", b"\n18446744073709551616\n"),
    "a root of 31 bytes": lambda text: text.rsplit(b"\n", 2)[0] + b"\n" + b64(bytes(31)).encode() + b"\n",
    "no root": lambda text: text.rsplit(b"\n", 2)[0] + b"\n",
    "an origin with a space": lambda text: b"my " + text,
    "an origin with a plus": lambda text: b"my+" + text,
    "an origin too long": lambda text: b"x" * 256 + text,
    "size 0 with a root": lambda text: text.replace(b"\n5\n", b"\n0\n"),
}


@pytest.mark.parametrize("change", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_step_6_text(scene: Scene, change: Callable[[bytes], bytes]) -> None:
    text = change(scene.log.text())
    assert text != scene.log.text()
    result = scene.run_entry(scene.entry_members(signed_text(text)))
    assert_fails(result, 6)
    assert outcome(result, 5) is Outcome.NOT_CHECKED


def retired_lines(scene: Scene, size: int, *signers: Any) -> str:
    root = b64(tree(scene.log.hashes[:size]))
    return "".join(f"{signer.vkey} {size} {root}\n" for signer in signers)


def test_step_6_retired_keys(scene: Scene, tmp_path: Path) -> None:
    checkpoint = scene.log.checkpoint(signers=(RETIRED_ED25519, RETIRED_ML_DSA))
    members = scene.entry_members(checkpoint)
    size = len(scene.log.leaves)
    for _ in range(3):
        scene.log.append("evidence.read", fields={"a": 1})
    proof = b"".join(value.hex().encode() + b"\n" for value in consistency(size, scene.log.hashes))
    lines = retired_lines(scene, size + 3, RETIRED_ED25519, RETIRED_ML_DSA)
    trust = write_trust(tmp_path / "retired", ED25519, ML_DSA, retired=f"# old\n\n{lines}")
    proven = {**members, f"retired/{size + 3}": proof}
    assert scene.run_entry(proven, trust=trust).verdict == "verified"
    assert_fails(scene.run_entry(members, trust=trust), 6)
    assert_fails(scene.run_entry({**members, f"retired/{size + 3}": proof[65:]}, trust=trust), 6)
    assert_fails(scene.run_entry({**members, f"retired/{size + 2}": proof}, trust=trust), 6)
    alone = write_trust(tmp_path / "alone", retired=lines)
    assert scene.run_entry(proven, trust=alone).verdict == "verified"
    one = write_trust(tmp_path / "one", ED25519, ML_DSA, retired=lines.splitlines(keepends=True)[0])
    assert_fails(scene.run_entry(proven, trust=one), 6)


def test_step_6_a_retired_key_signs_no_later_tree(scene: Scene, tmp_path: Path) -> None:
    members = scene.entry_members(scene.log.checkpoint(signers=(RETIRED_ED25519, RETIRED_ML_DSA)))
    size = len(scene.log.leaves)
    for retired_at, verdict in ((size, "verified"), (size - 1, "not verified")):
        lines = retired_lines(scene, retired_at, RETIRED_ED25519, RETIRED_ML_DSA)
        trust = write_trust(tmp_path / f"at{retired_at}", ED25519, ML_DSA, retired=lines)
        assert scene.run_entry({**members, f"retired/{retired_at}": b""}, trust=trust).verdict == verdict


def test_step_6_a_key_that_policy_and_retired_list_is_believed_for_its_last_tree_only(
    scene: Scene, tmp_path: Path
) -> None:
    """A stolen key whose policy line was forgotten must not go on signing."""
    size = len(scene.log.leaves)
    for retired_at, verdict in ((size, "verified"), (size - 1, "not verified")):
        lines = retired_lines(scene, retired_at, ED25519, ML_DSA)
        trust = write_trust(tmp_path / f"both{retired_at}", ED25519, ML_DSA, retired=lines)
        members = {**scene.entry_members(), f"retired/{retired_at}": b""}
        assert scene.run_entry(members, trust=trust).verdict == verdict
        assert scene.run_entry(scene.entry_members(), trust=trust).verdict == "not verified"


def test_step_6_a_bad_line_of_a_retired_key_fails(scene: Scene, tmp_path: Path) -> None:
    trust = write_trust(tmp_path / "r", ED25519, ML_DSA, retired=retired_lines(scene, 3, RETIRED_ED25519))
    bad = RETIRED_ED25519.line(scene.log.text() + b"x")
    assert_fails(scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=bad), trust=trust), 6)


def test_step_6_without_trust(scene: Scene) -> None:
    copy = {f"trust/{path.name}": path.read_bytes() for path in scene.trust.iterdir()}
    for members in (scene.entry_members(), {**scene.entry_members(), **copy}):
        result = scene.run_entry(members, trust=None)
        assert outcome(result, 6) is Outcome.NOT_CHECKED and result.verdict == "incomplete"
    wrong = {**scene.entry_members(scene.log.checkpoint(signers=(ED25519,))), **copy}
    assert_fails(scene.run_entry(wrong, trust=None), 6)
    unreadable = {**scene.entry_members(), "trust/policy": b"\0"}
    assert scene.run_entry(unreadable, trust=None).verdict == "incomplete"
    assert scene.run_entry({**scene.entry_members(), "trust/policy": b"\0"}).verdict == "verified"
