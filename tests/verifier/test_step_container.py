"""Step 1: what may be in a bundle, and what nothing admits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier.log_forge import (
    CHAIN,
    FILE,
    SYSTEM_CHAIN,
    ForgedEntry,
    ForgedLog,
    anchored_fields,
    b64,
    number,
)
from tests.verifier.scene import FOLDER, Members, Scene, assert_fails, failed_steps
from tests.verifier.zip_forge import bundle


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


FOREIGN_MEMBERS: dict[str, Callable[[Members], Members]] = {
    "unknown": lambda members: {**members, "notes.txt": b""},
    "unknown in an entry": lambda members: {**members, f"{FOLDER}/note": b""},
    "leading zero": lambda members: {**members, "entries/02/leaf.json": members[f"{FOLDER}/leaf.json"]},
    "position with a leading zero": lambda members: {**members, f"{FOLDER}/fields/01.json": b""},
    "leaf missing": lambda members: {name: data for name, data in members.items() if name != "entries/4/leaf.json"},
    "timestamp number with a gap": lambda members: {
        **members,
        **{f"timestamps/1/{part}": b"" for part in ("token.tsr", "stamped", "consistency")},
    },
    "part of a timestamp missing": lambda members: {**members, "timestamps/0/stamped": b""},
    "certificate number with a gap": lambda members: {**members, "certs/1.pem": PEM},
    "certificate that is none": lambda members: {**members, "certs/0.pem": b"hello"},
    "two certificates in one": lambda members: {**members, "certs/0.pem": PEM + PEM},
    "retired of size 0": lambda members: {**members, "retired/0": b""},
    "trust of another name": lambda members: {**members, "trust/keys": b""},
    "evidence of nothing": lambda members: {**members, "evidence/9.jpeg": b""},
    "evidence beside a demand": lambda members: {**members, "evidence/4.bin": b""},
    "second evidence": lambda members: {**members, "evidence/2.bin": FILE},
    "evidence of another extension": lambda members: {
        **{name: data for name, data in members.items() if not name.startswith("evidence/")},
        "evidence/2.jpg": FILE,
    },
    "evidence of a capital extension": lambda members: {
        **{name: data for name, data in members.items() if not name.startswith("evidence/")},
        "evidence/2.JPEG": FILE,
    },
}
PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("change", FOREIGN_MEMBERS.values(), ids=FOREIGN_MEMBERS.keys())
def test_step_1_members(scene: Scene, change: Callable[[Members], Members]) -> None:
    result = scene.run_entry(change(scene.entry_members()))
    assert 1 in failed_steps(result)
    assert failed_steps(result) in ([1], [1, 8])


def test_a_certificate_that_cannot_be_parsed_is_ignored(scene: Scene) -> None:
    assert scene.run_entry({**scene.entry_members(), "certs/0.pem": PEM}).verdict == "verified"


def test_step_1_admission(scene: Scene) -> None:
    members = scene.entry_members()
    other = scene.log.members(ForgedEntry(3, scene.log.leaves[3]))
    assert_fails(scene.run_entry({**members, **scene.log.members(scene.opened)}), 1)
    assert 1 in failed_steps(scene.run_entry({**members, **other}))
    assert_fails(scene.run_entry({**members, **scene.log.members(ForgedEntry(0, scene.log.leaves[0]))}), 1)
    closed = {name: data for name, data in members.items() if name != "entries/4/fields/1.json"}
    assert_fails(scene.run_entry(closed), 1)


def test_a_relation_is_an_int_and_of_the_same_chain(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for chain, value, fails in ((CHAIN, 2, False), (CHAIN, "2", True), (CHAIN, 3, True), ("b" * 32, 2, True)):
        entry = scene.log.append("demand.refused", chain, fields={"relation.entry": value})
        result = scene.run_entry({**scene.entry_members(), **scene.log.members(entry)})
        assert (1 in failed_steps(result)) is fails


def test_true_is_not_the_index_1(tmp_path: Path) -> None:
    log = ForgedLog()
    subject = log.append("evidence.read", fields={"system.title": "1"})
    other = log.append("evidence.read", fields={"relation.entry": True})
    scene = Scene(tmp_path)
    assert 1 in failed_steps(scene.run(bundle(log.members(subject, other), number=number(1))))


def test_the_system_chain_is_no_case(scene: Scene) -> None:
    members = scene.log.members(ForgedEntry(0, scene.log.leaves[0]))
    assert 1 in failed_steps(scene.run_case(members, SYSTEM_CHAIN))
    assert 1 in failed_steps(scene.run_entry(members, number(0)))


def test_evidence_on_the_system_chain_is_refused_where_that_can_be_seen(tmp_path: Path) -> None:
    """Entries with `public` are on the system chain and no others are: a token's record names the chain."""
    scene = Scene(tmp_path)
    token = b"0"
    recorded = scene.log.append("timestamp.recorded", SYSTEM_CHAIN, public={"stamped": "x", "token": b64(token)})
    hidden = scene.log.append("evidence.anchored", SYSTEM_CHAIN, fields=anchored_fields())
    members = {
        **scene.log.members(hidden, recorded),
        f"evidence/{hidden.index}.jpeg": FILE,
        "timestamps/0/token.tsr": token,
        "timestamps/0/stamped": scene.log.text(),
        "timestamps/0/consistency": b"",
    }
    result = scene.run_entry(members, number(hidden.index))
    assert 1 in failed_steps(result)
    assert "system chain" in result.checks[0].detail
