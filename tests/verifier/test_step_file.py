"""Step 3: the evidence file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.log_forge import (
    FILE,
    anchored_fields,
    number,
)
from tests.verifier.scene import FOLDER, Scene, assert_fails, failed_steps, outcome
from tests.verifier.zip_forge import bundle
from verifier.check import Outcome


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_step_3_files(scene: Scene, tmp_path: Path) -> None:
    members = scene.entry_members()
    inside = "evidence/2.jpeg"
    without = {name: data for name, data in members.items() if name != inside}
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_bytes(FILE)
    wrong.write_bytes(FILE + b"\n")
    assert_fails(scene.run_entry({**members, inside: FILE[:-1] + b"x"}), 3)
    assert scene.run_entry(without).verdict == "incomplete"
    assert scene.run_entry(without, file=right).verdict == "verified"
    assert scene.run_entry(members, file=right).verdict == "verified"
    assert_fails(scene.run_entry(without, file=wrong), 3)
    assert_fails(scene.run_entry(members, file=wrong), 3)
    assert_fails(scene.run_entry({**members, inside: FILE + b"\n"}, file=right), 3)


@pytest.mark.parametrize("name", ["file.size", "file.sha256", "file.sha512"])
def test_step_3_needs_all_three_open(scene: Scene, name: str) -> None:
    members = scene.entry_members()
    position = sorted(anchored_fields()).index(name) + 1
    closed = {path: data for path, data in members.items() if path != f"{FOLDER}/fields/{position}.json"}
    result = scene.run_entry(closed)
    assert outcome(result, 3) is Outcome.NOT_CHECKED and result.verdict == "incomplete"
    assert_fails(scene.run_entry({**closed, "evidence/2.jpeg": FILE + b"\n"}), 3)


@pytest.mark.parametrize("name", ["file.size", "file.sha256", "file.sha512"])
def test_step_3_compares_each(scene: Scene, name: str) -> None:
    lie = {"file.size": 1, "file.sha256": "0" * 64, "file.sha512": "0" * 128}[name]
    entry = scene.log.append("evidence.anchored", fields=anchored_fields(**{name.replace(".", "__"): lie}))
    members = {**scene.log.members(entry), f"evidence/{entry.index}.jpeg": FILE}
    assert_fails(scene.run(bundle(members, number=number(entry.index))), 3)


def test_step_3_of_a_case(scene: Scene, tmp_path: Path) -> None:
    right = tmp_path / "right"
    right.write_bytes(FILE)
    without = {name: data for name, data in scene.case_members().items() if not name.startswith("evidence/")}
    assert scene.run_case(without).verdict == "incomplete"
    assert scene.run_case(without, file=right).verdict == "verified"
    second = scene.log.append("evidence.anchored", fields=anchored_fields(b"two"))
    both = {**scene.case_members(), **scene.log.members(second), f"evidence/{second.index}.jpeg": b"two"}
    assert scene.run_case(both).verdict == "verified"
    assert scene.run_case(both, file=right).verdict == "incomplete"
    assert_fails(scene.run_case({**both, f"evidence/{second.index}.jpeg": b"TWO"}), 3)


def test_step_3_a_file_and_nothing_anchored(scene: Scene, tmp_path: Path) -> None:
    right = tmp_path / "right"
    right.write_bytes(FILE)
    members = scene.log.members(scene.demand)
    assert scene.run_entry(members, number(scene.demand.index)).verdict == "verified"
    assert scene.run_entry(members, number(scene.demand.index), file=right).verdict == "incomplete"


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("photo.JPEG", "jpeg"),
        ("archive.tar.GZ", "gz"),
        ("noextension", "bin"),
        ("ends.", "bin"),
        (".profile", "profile"),
        ("a.ninechars", "bin"),
        ("a.eightchr", "eightchr"),
        ("a.\u212a", "bin"),  # the Kelvin sign, which str.lower() makes a k
        ("a.j\u0131", "bin"),
        ("a.b c", "bin"),
        ("a.p/q", "bin"),
    ],
)
def test_extension(scene: Scene, name: str, extension: str) -> None:
    entry = scene.log.append("evidence.anchored", fields=anchored_fields(file__name=name))
    members = scene.log.members(entry)
    for ending, fails in ((extension, []), ("zzz", [1])):
        result = scene.run(bundle({**members, f"evidence/{entry.index}.{ending}": FILE}, number=number(entry.index)))
        assert failed_steps(result) == fails
