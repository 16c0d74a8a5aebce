"""Step 7: cosignatures and their quorum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verifier.log_forge import (
    ED25519,
    ML_DSA,
    WITNESS,
    WITNESS_ML_DSA,
    write_trust,
)
from tests.verifier.scene import Scene, assert_fails, with_signers


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def witness_trust(folder: Path, quorum: str) -> Path:
    lines = f"witness w {WITNESS.vkey}\nwitness m {WITNESS_ML_DSA.vkey} https://w.test\n"
    groups = "group both all w m\n" if quorum == "both" else "group some any w m\n" if quorum == "some" else ""
    return write_trust(folder, ED25519, ML_DSA, policy=f"{lines}{groups}quorum {quorum}\n")


@pytest.mark.parametrize(
    ("quorum", "signers", "verdict"),
    [
        ("both", (WITNESS, WITNESS_ML_DSA), "verified"),
        ("both", (WITNESS,), "incomplete"),
        ("some", (WITNESS_ML_DSA,), "verified"),
        ("w", (WITNESS_ML_DSA,), "incomplete"),
        ("w", (WITNESS,), "verified"),
        ("some", (), "incomplete"),
        ("none", (WITNESS,), "verified"),
    ],
)
def test_step_7_quorum(scene: Scene, tmp_path: Path, quorum: str, signers: tuple[Any, ...], verdict: str) -> None:
    trust = witness_trust(tmp_path / "w", quorum)
    result = scene.run_entry(with_signers(scene, ED25519, ML_DSA, *signers), trust=trust)
    assert result.verdict == verdict
    assert result.independent_witnesses is (verdict == "verified" and quorum != "none")


@pytest.mark.parametrize("quorum", ["both", "none"])
def test_step_7_a_bad_line_of_a_listed_witness_fails(scene: Scene, tmp_path: Path, quorum: str) -> None:
    trust = witness_trust(tmp_path / "w", quorum)
    text = scene.log.text()
    for bad in (WITNESS.line(text + b"x"), WITNESS.line(text, 2**63), WITNESS_ML_DSA.line(text.replace(b"5", b"6"))):
        assert_fails(scene.run_entry(with_signers(scene, ED25519, ML_DSA, tail=bad), trust=trust), 7)
