"""Step 4: openings, hashes and names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.log_forge import (
    anchored_fields,
    b64,
    jcs,
    number,
    tree,
)
from tests.verifier.scene import FOLDER, Members, Scene, assert_fails
from tests.verifier.zip_forge import bundle
from verifier.result import Result


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def field_file(name: str) -> str:
    return f"{FOLDER}/fields/{sorted(anchored_fields()).index(name) + 1}.json"


def without(members: Members, name: str) -> Members:
    return {kept: data for kept, data in members.items() if kept != name}


BAD_FIELDS: dict[str, Callable[[Members], Members]] = {
    "names not open": lambda members: {
        name: data for name, data in members.items() if name != f"{FOLDER}/fields/0.json"
    },
    "no opening at all": lambda members: {
        name: data for name, data in members.items() if not name.startswith(f"{FOLDER}/fields/")
    },
    "hashes missing": lambda members: {name: data for name, data in members.items() if name != f"{FOLDER}/hashes"},
    "hashes without the last line feed": lambda members: {
        **members,
        f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"][:-1],
    },
    "hashes with an empty line": lambda members: {**members, f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"] + b"\n"},
    "hashes with carriage returns": lambda members: {
        **members,
        f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"].replace(b"\n", b"\r\n"),
    },
    "hashes in capitals": lambda members: {**members, f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"].upper()},
    "a hash less": lambda members: {**members, f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"][65:]},
    "a hash twice": lambda members: {
        **members,
        f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"] + members[f"{FOLDER}/hashes"][-65:],
    },
    "hashes swapped": lambda members: {
        **members,
        f"{FOLDER}/hashes": members[f"{FOLDER}/hashes"][65:130]
        + members[f"{FOLDER}/hashes"][:65]
        + members[f"{FOLDER}/hashes"][130:],
    },
    "empty hashes": lambda members: {**members, f"{FOLDER}/hashes": b""},
    "an opening too many": lambda members: {**members, f"{FOLDER}/fields/7.json": members[f"{FOLDER}/fields/1.json"]},
    "an opening at another place": lambda members: {
        **members,
        f"{FOLDER}/fields/2.json": members[f"{FOLDER}/fields/1.json"],
    },
    "another value": lambda members: {
        **members,
        field_file("file.size"): members[field_file("file.size")].replace(b"12]", b"13]"),
    },
    "white space": lambda members: {
        **members,
        field_file("file.size"): members[field_file("file.size")].replace(b",12", b", 12"),
    },
    "a salt of other trailing bits": lambda members: {
        **members,
        field_file("file.size"): members[field_file("file.size")].replace(b'==",12', b'=",12'),
    },
    "too large": lambda members: {**members, field_file("file.size"): b"[" + b"0" * 131_072},
    "deeply nested": lambda members: {**members, field_file("file.size"): b"[" * 100_000},
    "empty": lambda members: {**members, field_file("file.size"): b""},
    "not utf-8": lambda members: {**members, field_file("file.size"): b'["\xff"]'},
}


@pytest.mark.parametrize("change", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_step_4_openings(scene: Scene, change: Callable[[Members], Members]) -> None:
    members = scene.entry_members()
    changed = change(members)
    assert changed != members
    result = scene.run_entry(changed)
    assert_fails(result, 4)
    assert not result.contents.fields


def forge_openings(openings: list[bytes]) -> dict[str, Any]:
    """A leaf's fields over openings as they are."""
    hashes = [hashlib.sha256(b"\0" + opening).digest() for opening in openings]
    return {"hashes": hashes, "fields": {"count": len(hashes), "root": tree(hashes).hex()}}


SALT = b64(bytes(16))
COMMITTED: dict[str, list[bytes]] = {
    "names twice": [jcs(["@names", SALT, ["a", "a"]]), jcs(["a", SALT, 1]), jcs(["a", SALT, 2])],
    "names unsorted": [jcs(["@names", SALT, ["b", "a"]]), jcs(["b", SALT, 1]), jcs(["a", SALT, 2])],
    "names of another count": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT, 1]), jcs(["b", SALT, 2])],
    "names with @names": [jcs(["@names", SALT, ["@names"]]), jcs(["@names", SALT, []])],
    "names not a list": [jcs(["@names", SALT, {"a": 1}]), jcs(["a", SALT, 1])],
    "names with a number": [jcs(["@names", SALT, [1]]), jcs([1, SALT, 1])],
    "a name with a capital": [jcs(["@names", SALT, ["A"]]), jcs(["A", SALT, 1])],
    "a name with a line feed": [jcs(["@names", SALT, ["a\n"]]), jcs(["a\n", SALT, 1])],
    "a name too long": [jcs(["@names", SALT, ["a" * 129]]), jcs(["a" * 129, SALT, 1])],
    "no names": [jcs(["a", SALT, 1])],
    "salt of 15 bytes": [jcs(["@names", SALT, ["a"]]), jcs(["a", b64(bytes(15)), 1])],
    "salt of 17 bytes": [jcs(["@names", SALT, ["a"]]), jcs(["a", b64(bytes(17)), 1])],
    "salt without padding": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT[:-2], 1])],
    "salt no string": [jcs(["@names", SALT, ["a"]]), jcs(["a", 0, 1])],
    "four items": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT, 1, 2])],
    "two items": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT])],
    "nine deep": [jcs(["@names", SALT, ["a"]]), b'["a","' + SALT.encode() + b'",' + b"[" * 9 + b"]" * 9 + b"]"],
    "a fraction": [jcs(["@names", SALT, ["a"]]), b'["a","' + SALT.encode() + b'",1.5]'],
    "minus zero": [jcs(["@names", SALT, ["a"]]), b'["a","' + SALT.encode() + b'",-0]'],
    "a large integer": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT, 2**53])],
    "a doubled member": [jcs(["@names", SALT, ["a"]]), b'["a","' + SALT.encode() + b'",{"b":1,"b":1}]'],
    "a lone surrogate": [jcs(["@names", SALT, ["a"]]), b'["a","' + SALT.encode() + b'","\\ud800"]'],
    "too large": [jcs(["@names", SALT, ["a"]]), jcs(["a", SALT, "x" * 131_072])],
}


@pytest.mark.parametrize("openings", COMMITTED.values(), ids=COMMITTED.keys())
def test_step_4_what_is_committed(scene: Scene, openings: list[bytes]) -> None:
    assert_fails(run_forged(scene, openings), 4)


def test_step_4_the_same_forge_without_a_fault(scene: Scene) -> None:
    for value in (1, [[[[[[[[]]]]]]]], 2**53 - 1, None, {"\ue000": 1, "𐀀": 2}):
        opening = jcs(["a", SALT, value]).replace('{"\ue000":1,"𐀀":2}'.encode(), '{"𐀀":2,"\ue000":1}'.encode())
        assert run_forged(scene, [jcs(["@names", SALT, ["a"]]), opening]).verdict == "verified"


def run_forged(scene: Scene, openings: list[bytes]) -> Result:
    forged = forge_openings(openings)
    entry = scene.log.append("evidence.read", leaf={"fields": forged["fields"]})
    entry.openings, entry.hashes = openings, forged["hashes"]
    return scene.run(bundle(scene.log.members(entry), number=number(entry.index)))


@pytest.mark.parametrize("name", sorted(anchored_fields()))
def test_step_4_required_names(scene: Scene, name: str) -> None:
    for value in (..., None, True, ["x"], -1 if name == "file.size" else 7):
        fields = anchored_fields(**{name.replace(".", "__"): value})
        entry = scene.log.append("evidence.anchored", fields=fields)
        result = scene.run(bundle(scene.log.members(entry), number=number(entry.index)))
        assert_fails(result, 4)
