"""The verdict over all steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_entry_and_case_verify(scene: Scene) -> None:
    entry = scene.run_entry(scene.entry_members())
    assert entry.verdict == "verified", entry.checks
    assert [related.index for related in entry.entries] == [scene.demand.index]
    case = scene.run_case(scene.case_members())
    assert case.verdict == "verified", case.checks
    assert [listed.seq for listed in case.entries] == [0, 1, 2]
    assert case.contents.fields == {} and case.number is None
