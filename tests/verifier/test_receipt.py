"""Step 10, receipts, and input that is broken through and through."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.log_forge import (
    FILE,
    ForgedEntry,
    b64,
    number,
)
from tests.verifier.scene import Scene, assert_fails, failed_steps, outcome
from tests.verifier.zip_forge import bundle
from verifier import step_leaves
from verifier.check import Outcome


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_step_10_is_required_by_names_alone(scene: Scene) -> None:
    entry = scene.log.append("evidence.read", fields={"signature.value": "x", "a": 1})
    members = scene.log.members(entry)
    for kept in (members, {name: data for name, data in members.items() if not name.endswith("fields/2.json")}):
        result = scene.run(bundle(kept, number=number(entry.index)))
        assert result.verdict == "incomplete" and outcome(result, 10) is Outcome.NOT_CHECKED


def test_a_receipt_verifies_with_its_file(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(FILE)
    receipt = scene.log.receipt(scene.evidence)
    assert scene.run(receipt, file=file).verdict == "verified"
    assert scene.run(receipt).verdict == "incomplete"
    assert scene.run(scene.log.receipt(scene.evidence, secret=b64(bytes(range(32)))), file=file).verdict == "verified"


BAD_RECEIPTS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "v 2": ({"v": 2}, [1]),
    "v true": ({"v": True}, [1]),
    "member missing": ({"certs": None}, [1]),
    "unknown member": ({"note": "x"}, [1]),
    "number an int": ({"number": 2}, [1]),
    "leaf an object": ({"leaf": {}}, [1]),
    "hashes a string": ({"hashes": "x"}, [1]),
    "hashes with a number": ({"hashes": [1]}, [1]),
    "timestamps with more": ({"timestamps": [{"consistency": [], "stamped": "", "token": "", "x": 1}]}, [1]),
    "entries out of order": ({"entries": [{"index": n, "leaf": "", "proof": ""} for n in (3, 1)]}, [1]),
    "entries twice": ({"entries": [{"index": 3, "leaf": "", "proof": ""}] * 2}, [1]),
    "index true": ({"entries": [{"index": True, "leaf": "", "proof": ""}]}, [1]),
    "index negative": ({"entries": [{"index": -1, "leaf": "", "proof": ""}]}, [1]),
    "certs that are none": ({"certs": ["hello"]}, [1]),
    "retired of size 0": ({"retired": [{"size": 0, "consistency": []}]}, [1]),
    "retired out of order": ({"retired": [{"size": n, "consistency": []} for n in (3, 2)]}, [1]),
    "secret of 31 bytes": ({"secret": b64(bytes(31))}, [1, 4]),
    "secret no base64": ({"secret": "!"}, [1, 4]),
    "another secret": ({"secret": b64(bytes(32))}, [4]),
    "hash malformed": ({"hashes": ["A" * 64]}, [4]),
    "two hashes in one string": ({"hashes": ["0" * 64 + "\n" + "0" * 64]}, [4]),
    "nothing opened": ({"opened": []}, [4]),
    "number of another": ({"number": number(3)}, [5]),
    "number malformed": ({"number": "EL-2"}, [5]),
    "a timestamp of nothing": ({"timestamps": [{"consistency": [], "stamped": "", "token": ""}]}, [8]),
    "a token not base64": ({"timestamps": [{"consistency": [], "stamped": "", "token": "!"}]}, [1, 8]),
}


@pytest.mark.parametrize(("changes", "steps"), BAD_RECEIPTS.values(), ids=BAD_RECEIPTS.keys())
def test_receipts(scene: Scene, changes: dict[str, Any], steps: list[int]) -> None:
    assert_fails(scene.run(scene.log.receipt(scene.evidence, **changes)), *steps)


def test_receipt_openings_in_order(scene: Scene) -> None:
    opened = [opening.decode() for opening in scene.evidence.openings]
    for order in (opened[::-1], [*opened[:2], opened[3], opened[2]], [*opened, opened[1]], opened[1:]):
        assert_fails(scene.run(scene.log.receipt(scene.evidence, opened=order)), 4)
    assert not failed_steps(scene.run(scene.log.receipt(scene.evidence, opened=[opened[0], opened[4]])))


def test_receipt_entries_are_recordings_only(scene: Scene) -> None:
    def item(entry: ForgedEntry) -> dict[str, Any]:
        return {"index": entry.index, "leaf": entry.leaf.decode(), "proof": scene.log.proof(entry.index).decode()}

    related = scene.run(scene.log.receipt(scene.evidence, entries=[item(scene.demand)]))
    assert 1 in failed_steps(related)
    opened = ForgedEntry(0, scene.log.leaves[0])
    assert_fails(scene.run(scene.log.receipt(scene.evidence, entries=[item(opened)])), 1)


@pytest.mark.parametrize(
    "data", [b"{", b"{}", b"{" * 10**6, b'{"a":' * 10**5, b"{\xff", b'{"v":1}\n', b"{" + b" " * 10]
)
def test_broken_receipts(scene: Scene, data: bytes) -> None:
    assert_fails(scene.run(data), 1)


def test_nothing_escapes_random_damage(scene: Scene) -> None:
    rng = random.Random(7)
    inputs = [bundle(scene.entry_members(), number=number(2)), scene.log.receipt(scene.evidence)]
    for _ in range(300):
        data = bytearray(rng.choice(inputs))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(8, len(data))] = rng.randrange(256)
        assert len(scene.run(bytes(data)).checks) == 11


def test_a_step_that_breaks_down_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """What a native library raises when it gives up."""

    def panic(*_: object) -> None:
        raise Panic

    monkeypatch.setattr(step_leaves, "check_anchored", panic)
    assert_fails(scene.run_entry(scene.entry_members()), 4)
