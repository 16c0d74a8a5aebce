"""Attacks on leaves and commitments by an operator that signs whatever it likes: proofs and signatures are valid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.forge import (
    Authority,
    Forgery,
    accept,
    commit_openings,
    failures,
    honest,
    json_of,
    judge,
    refuse,
    stamped,
)
from tests.verifier.log_forge import SECRET, ForgedLog, anchored_fields, b64, hash_leaf, jcs, number, openings
from tests.verifier.log_forge import SYSTEM_CHAIN as SYSTEM
from verifier.trust import Trust

FIELDS = sorted(anchored_fields())


def colluding(authority: Authority, listed: list[bytes], **changes: Any) -> Forgery:
    """A bundle of an entry that commits to these openings, stamped and signed as any other."""
    log = ForgedLog()
    log.append("case.opened", fields={"case.title": "K"})
    subject = commit_openings(log, listed, **changes)
    token = authority.stamp(log.text(), "09:20:00")
    return Forgery(log, [subject], {"number": number(subject.index)}, [stamped(log, token, len(log.leaves))])


def opening(name: str, value: Any, salt: bytes = bytes(16)) -> bytes:
    return jcs([name, b64(salt), value])


def names_opening(names: list[Any]) -> bytes:
    return opening("@names", names)


def rest(names: list[str]) -> list[bytes]:
    values = anchored_fields()
    return [opening(name, values.get(name, "x")) for name in names]


def test_the_operators_own_commitment_is_accepted_where_it_keeps_the_rules(
    authority: Authority, believed: Trust
) -> None:
    forged = colluding(authority, [names_opening(FIELDS), *rest(FIELDS)], kind="evidence.anchored")
    forged.more[f"evidence/{forged.entries[0].index}.jpeg"] = b"the evidence"
    accept(forged.bundle(), believed)


@pytest.mark.parametrize(
    ("names", "openings_of"),
    [
        pytest.param(["file.name", *FIELDS], ["file.name", *FIELDS], id="a name twice: two values, the convenient one"),
        pytest.param(FIELDS[::-1], FIELDS[::-1], id="names unsorted"),
        pytest.param(FIELDS[:-1], FIELDS, id="a field that the names do not list"),
        pytest.param([*FIELDS, "zz"], FIELDS, id="a name without a field"),
        pytest.param(["@names", *FIELDS], ["@names", *FIELDS], id="the names list themselves"),
        pytest.param(["File.Name", *FIELDS], ["file.name", *FIELDS], id="a name outside the grammar"),
        pytest.param([*FIELDS, 7], [*FIELDS, "zz"], id="a name that is no string"),
        pytest.param(FIELDS[1:], FIELDS[1:], id="a required name missing"),
        pytest.param(sorted([*FIELDS, "a" * 129]), sorted([*FIELDS, "a" * 129]), id="a name of 129 bytes"),
    ],
)
def test_names_that_a_colluding_operator_committed(
    authority: Authority, believed: Trust, names: list[Any], openings_of: list[str]
) -> None:
    forged = colluding(authority, [names_opening(names), *rest(openings_of)])
    refuse(forged.bundle(), believed, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file.size", "3"),
        ("file.size", True),
        ("file.size", -1),
        ("file.sha256", "A" * 64),
        ("file.sha512", "a" * 127),
        ("file.name", None),
        ("file.name", ["photo.jpeg"]),
        ("submitter.name", 7),
    ],
)
def test_a_required_field_of_another_type(authority: Authority, believed: Trust, name: str, value: Any) -> None:
    values = anchored_fields() | {name: value}
    forged = colluding(authority, [names_opening(FIELDS), *(opening(each, values[each]) for each in FIELDS)])
    refuse(forged.bundle(), believed, 4)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(opening("@name", FIELDS), id="position 0 is called otherwise"),
        pytest.param(opening("@names", {"names": FIELDS}), id="the names are no list"),
        pytest.param(opening("@names", FIELDS, bytes(15)), id="a salt of 15 bytes"),
        pytest.param(jcs(["@names", b64(bytes(16)), FIELDS, "more"]), id="four items"),
        pytest.param(jcs(["@names", b64(bytes(16)), FIELDS]).replace(b",", b", ", 1), id="a blank"),
        pytest.param(jcs(["@names", b64(bytes(16)).rstrip("="), FIELDS]), id="a salt without padding"),
        pytest.param(b"[]", id="nothing"),
        pytest.param(b"\xff", id="no utf-8"),
    ],
)
def test_position_0_that_is_not_the_names(authority: Authority, believed: Trust, first: bytes) -> None:
    refuse(colluding(authority, [first, *rest(FIELDS)]).bundle(), believed, 4)


def test_a_value_deeper_than_eight(authority: Authority, believed: Trust) -> None:
    def nested(depth: int) -> Any:
        return [nested(depth - 1)] if depth else 0

    for depth, fails in ((8, False), (9, True)):
        listed = [names_opening([*FIELDS, "zz"]), *rest(FIELDS), opening("zz", nested(depth))]
        forged = colluding(authority, listed)
        forged.more[f"evidence/{forged.entries[0].index}.jpeg"] = b"the evidence"
        if fails:
            refuse(forged.bundle(), believed, 4)
        else:
            accept(forged.bundle(), believed)


def test_an_opening_over_its_limit(authority: Authority, believed: Trust) -> None:
    listed = [names_opening([*FIELDS, "zz"]), *rest(FIELDS), opening("zz", "x" * 131_072)]
    refuse(colluding(authority, listed).bundle(), believed, 4)


def test_an_operator_names_a_count_that_is_not_the_leaves(authority: Authority, believed: Trust) -> None:
    forged = colluding(authority, [names_opening(FIELDS), *rest(FIELDS)])
    subject = forged.entries[0]
    leaf = json_of(subject.leaf)
    for count in (leaf["fields"]["count"] - 1, leaf["fields"]["count"] + 1):
        log = ForgedLog(leaves=forged.log.leaves[:-1])
        again = log.append("evidence.anchored", leaf={"fields": {**leaf["fields"], "count": count}})
        again.openings, again.hashes = subject.openings, subject.hashes
        token = authority.stamp(log.text(), "09:20:00")
        data = Forgery(log, [again], {"number": number(again.index)}, [stamped(log, token, len(log.leaves))]).bundle()
        refuse(data, believed, 4)


Change = Callable[[dict[str, bytes], str], object]


def swapped(members: dict[str, bytes], folder: str) -> None:
    """Two openings in each other's place, with the hashes swapped as well: the root differs."""
    one, two = f"{folder}/fields/1.json", f"{folder}/fields/2.json"
    members[one], members[two] = members[two], members[one]
    lines = members[f"{folder}/hashes"].splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    members[f"{folder}/hashes"] = b"".join(lines)


def replaced(position: int, data: bytes, *, hashed: bool) -> Change:
    def change(members: dict[str, bytes], folder: str) -> None:
        members[f"{folder}/fields/{position}.json"] = data
        if hashed:
            lines = members[f"{folder}/hashes"].splitlines(keepends=True)
            lines[position] = hash_leaf(data).hex().encode() + b"\n"
            members[f"{folder}/hashes"] = b"".join(lines)

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(swapped, id="two fields swapped"),
        pytest.param(replaced(3, opening("file.sha256", "0" * 64), hashed=False), id="another value"),
        pytest.param(replaced(3, opening("file.sha256", "0" * 64), hashed=True), id="another value, hash mended"),
        pytest.param(lambda m, f: m.pop(f"{f}/fields/0.json"), id="the names withheld"),
        pytest.param(lambda m, f: m.pop(f"{f}/hashes"), id="the hashes withheld"),
        pytest.param(lambda m, f: m.update({f"{f}/fields/7.json": m.pop(f"{f}/fields/1.json")}), id="beyond the count"),
        pytest.param(lambda m, f: m.update({f"{f}/fields/2.json": m[f"{f}/fields/1.json"]}), id="one field twice"),
        pytest.param(lambda m, f: m.update({f"{f}/hashes": m[f"{f}/hashes"][:-1]}), id="the last line feed missing"),
        pytest.param(lambda m, f: m.update({f"{f}/hashes": m[f"{f}/hashes"].upper()}), id="hashes in capitals"),
        pytest.param(lambda m, f: m.update({f"{f}/hashes": m[f"{f}/hashes"][65:]}), id="a hash fewer"),
    ],
)
def test_openings_tampered_on_the_way(authority: Authority, believed: Trust, change: Change) -> None:
    forged = honest(authority)
    folder = f"entries/{forged.entries[0].index}"
    accept(forged.bundle(), believed)
    refuse(forged.bundle(lambda members: change(members, folder)), believed, 4)


def test_a_field_of_another_entry(authority: Authority, believed: Trust) -> None:
    """Same name, same position, same secret, an opening that is genuine: of another entry."""
    forged = honest(authority)
    stolen = openings(anchored_fields(submitter__name="somebody else"))
    path = f"entries/{forged.entries[0].index}/fields/6.json"
    refuse(forged.bundle(lambda members: members.update({path: stolen[6]})), believed, 4)


def test_a_receipt_with_a_secret_that_gives_other_salts(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    refuse(forged.receipt(secret=b64(bytes(32))), believed, 4)
    assert not failures(judge(forged.receipt(secret=b64(SECRET)), believed))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("log.opened", "fields", id="a system kind in a case"),
        pytest.param("timestamp.recorded", "fields", id="a token as a case's entry"),
        pytest.param("evidence.anchored", "public", id="evidence in public"),
        pytest.param("metadata.demanded", "public", id="a demand in public"),
    ],
)
def test_kinds_on_the_wrong_chain(authority: Authority, believed: Trust, kind: str, content: str) -> None:
    log = ForgedLog()
    what: dict[str, Any] = {"fields": anchored_fields()} if content == "fields" else {"public": {"x": 1}}
    subject = log.append(kind, SYSTEM if content == "public" else "b" * 32, **what)
    forged = Forgery(log, [subject], {"number": number(subject.index)})
    result = refuse(forged.bundle(), believed, 2)
    assert not result.contents.fields  # nothing of it is shown


@pytest.mark.parametrize(
    "leaf",
    [
        pytest.param({"v": 2}, id="an unknown version"),
        pytest.param({"v": True}, id="true for 1"),
        pytest.param({"extra": 1}, id="an extra member"),
        pytest.param({"prev": "0" * 64}, id="a prev at seq 0"),
        pytest.param({"seq": 1}, id="no prev at seq 1"),
        pytest.param({"seq": -1}, id="a negative seq"),
        pytest.param({"chain": "A" * 32}, id="a chain in capitals"),
        pytest.param({"kind": "Evidence.anchored"}, id="a kind in capitals"),
        pytest.param({"time": "2026-02-30T00:00:00.000Z"}, id="a day that does not exist"),
        pytest.param({"time": "2026-06-30T23:59:60.000Z"}, id="a leap second"),
        pytest.param({"public": {}}, id="fields and public"),
    ],
)
def test_leaves_outside_the_grammar(authority: Authority, believed: Trust, leaf: dict[str, Any]) -> None:
    log = ForgedLog()
    subject = log.append("evidence.anchored", fields=anchored_fields(), leaf=leaf)
    refuse(Forgery(log, [subject], {"number": number(subject.index)}).bundle(), believed, 2)
