"""Step 9: the chain, and claimed times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.log_forge import (
    CHAIN,
    ForgedLog,
)
from tests.verifier.scene import Scene, assert_fails, failed_steps
from tests.verifier.zip_forge import bundle


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_step_9_of_a_case(scene: Scene) -> None:
    members = scene.case_members()
    for missing, fails in ((1, [9]), (2, [1, 9]), (4, [])):
        kept = {name: data for name, data in members.items() if not name.startswith(f"entries/{missing}/")}
        assert failed_steps(scene.run_case(kept)) == fails


def test_step_9_prev_seq_and_order(tmp_path: Path) -> None:
    for leaf in ({"prev": "0" * 64}, {"seq": 2, "prev": "0" * 64}, {"seq": 4, "prev": "0" * 64}):
        scene = Scene(tmp_path)
        wrong = scene.log.append("metadata.disclosed", fields={"relation.entry": 2}, leaf=leaf)
        result = scene.run_case({**scene.case_members(), **scene.log.members(wrong)})
        assert_fails(result, 9)
        related = scene.run_entry({**scene.entry_members(), **scene.log.members(wrong)})
        assert failed_steps(related) == ([] if leaf.get("seq") == 4 else [9])


def test_step_9_an_empty_case(scene: Scene) -> None:
    assert_fails(scene.run_case({}, "c" * 32), 9)


def test_step_9_index_rises_with_seq(tmp_path: Path) -> None:
    log = ForgedLog()
    second = log.append("demand.refused", fields={"a": 1}, leaf={"seq": 1, "prev": "0" * 64})
    first = log.append("case.opened", fields={"a": 1}, leaf={"seq": 0, "prev": None})
    scene = Scene(tmp_path)
    assert_fails(scene.run(bundle(log.members(first, second), case=CHAIN)), 9)


def test_claimed_times_that_run_back_are_contradictions(scene: Scene) -> None:
    for time, contradicts in (("2024-03-02T08:59:55.000Z", False), ("2024-03-02T08:59:54.999Z", True)):
        log = ForgedLog()
        first = log.append("case.opened", fields={"a": 1})
        second = log.append("evidence.read", fields={"a": 1}, time=time)
        result = scene.run(bundle(log.members(first, second), case=CHAIN))
        assert result.verdict == "verified" and bool(result.contradictions) is contradicts
