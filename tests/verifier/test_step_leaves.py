"""Step 2: the leaf grammar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verifier.log_forge import (
    CHAIN,
    anchored_fields,
    number,
)
from tests.verifier.scene import FOLDER, Scene, failed_steps
from tests.verifier.zip_forge import bundle


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


BAD_LEAVES: dict[str, dict[str, Any]] = {
    "v 2": {"v": 2},
    "v true": {"v": True},
    "v as text": {"v": "1"},
    "unknown member": {"x": 1},
    "chain in capitals": {"chain": CHAIN.upper()},
    "chain too short": {"chain": CHAIN[1:]},
    "kind in capitals": {"kind": "Evidence.anchored"},
    "kind ends in a dot": {"kind": "evidence."},
    "kind too long": {"kind": "k" * 129},
    "kind with a line feed": {"kind": "case.opened\n"},
    "prev null": {"prev": None},
    "prev too short": {"prev": "0" * 63},
    "seq 0 with prev": {"seq": 0},
    "seq negative": {"seq": -1},
    "seq true": {"seq": True},
    "time without milliseconds": {"time": "2024-03-02T09:00:00Z"},
    "time that does not exist": {"time": "2023-02-29T09:00:00.000Z"},
    "leap second": {"time": "2016-12-31T23:59:60.000Z"},
    "hour 24": {"time": "2024-03-02T24:00:00.000Z"},
    "time in other digits": {"time": "٢٠٢٤-03-02T09:00:00.000Z"},
    "time as int": {"time": 1},
    "count 0": {"fields": {"count": 0, "root": "0" * 64}},
    "count 1025": {"fields": {"count": 1025, "root": "0" * 64}},
    "count true": {"fields": {"count": True, "root": "0" * 64}},
    "root in capitals": {"fields": {"count": 7, "root": "A" * 64}},
    "fields with more": {"fields": {"count": 7, "root": "0" * 64, "x": 1}},
    "fields a list": {"fields": [7, "0" * 64]},
    "fields and public": {"public": {}},
    "system kind": {"kind": "policy.published"},
}


@pytest.mark.parametrize("leaf", BAD_LEAVES.values(), ids=BAD_LEAVES.keys())
def test_step_2(scene: Scene, leaf: dict[str, Any]) -> None:
    entry = scene.log.append("evidence.anchored", fields=anchored_fields(), leaf=leaf)
    result = scene.run(bundle(scene.log.members(entry), number=number(entry.index)))
    assert failed_steps(result) == [2]
    assert result.verdict == "not verified"


def test_step_2_canonical_and_size(scene: Scene) -> None:
    members = scene.entry_members()
    leaf = members[f"{FOLDER}/leaf.json"]
    for changed in (leaf + b"\n", b" " + leaf, leaf.replace(b'"v":1', b'"v":1,"v":1'), leaf.replace(b":1}", b":1.0}")):
        assert 2 in failed_steps(scene.run_entry({**members, f"{FOLDER}/leaf.json": changed}))
    large = scene.log.append("demand.refused", fields={"relation.entry": 2}, leaf={"kind": "x", "x": "y" * 65_535})
    assert 2 in failed_steps(scene.run_entry({**members, **scene.log.members(large)}))


def test_unknown_kinds_verify_and_are_shown(scene: Scene) -> None:
    entry = scene.log.append("evidence.sung", fields={"relation.entry": 2})
    result = scene.run_entry({**scene.entry_members(), **scene.log.members(entry)})
    assert result.verdict == "verified"
    assert "evidence.sung" in result.checks[1].detail
