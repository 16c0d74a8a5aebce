"""What was not disclosed, and what was erased, looked for in all that leaves a served ledger and all that it leaves."""

from __future__ import annotations

import json
import random
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.clock import SystemClock
from ledger.config import load_settings
from ledger.upkeep.fsck import fsck
from tests.conformance.ruin import Ruin, canaries, found_in, photograph, recover, remains
from tests.conformance.served import API, PEOPLE, Town, make_town, members_of, serving

VIEWERS = ("bekova", "temir", "sot", "hatshy", "zhanna", "root", None)


# ---- values that nobody was shown


def letter(values: Mapping[str, str]) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"{values['from']}@example.kz", f"{values['to']}@example.kz"
    mail["Subject"], mail["Message-ID"] = values["subject"], f"<{values['message']}@example.kz>"
    mail["Date"] = "Mon, 02 Nov 2026 10:12:00 +0500"
    mail.set_content(values["body"])
    mail.add_attachment(
        values["attached"].encode(), maintype="text", subtype="plain", filename=values["filename"] + ".txt"
    )
    return bytes(mail)


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Path]]:
    """A served ledger whose temporary files go to a folder of their own."""
    folder = tmp_path_factory.mktemp("privacy")
    temporary = folder / "temporary"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(temporary))
        _, tokens = make_town(folder / "data")
        with serving(folder / "data", tokens) as town:
            yield town, temporary


def test_what_nobody_was_shown_is_in_nothing_that_leaves(hidden: tuple[Town, Path]) -> None:
    town, temporary = hidden
    said = canaries("author", "place", "note", "address", "filename2", "artist", "serial", "comment")
    mail = canaries("from", "to", "subject", "message", "body", "attached", "filename", "mailname")
    refused = canaries("wrong", "unknown", "header", "path", "torn")
    case = town.open_case(title="A title for members")
    statement = {
        "metadata": {"author": said["author"], "place": said["place"], "note": said["note"]},
        "requisites": {"address": said["address"]},
        "policy": {"file.*": "on-demand", "declared.note": "sealed"},
    }
    picture = photograph(said["artist"], said["serial"], said["comment"])
    photo = town.anchor("aigul", case, picture, said["filename2"] + ".jpg", statement)["number"]
    message = town.anchor("aigul", case, letter(mail), mail["mailname"] + ".eml", {"policy": {"file.*": "sealed"}})[
        "number"
    ]
    town.recording = True
    demands = [
        town.post("bekova", f"evidence/{number}/demands", {"fields": "all", "grounds": "why"})["demand"]
        for number in (photo, message)
    ]
    town.post("aigul", f"demands/{demands[0]}/disclosure", {"fields": ["declared.author"]})
    for demand in demands:
        town.post("aigul", f"demands/{demand}/refusal", {"reason": "no"})
    town.post(
        "bekova", f"evidence/{photo}/challenges", {"heads": ["author"], "fields": ["declared.author"], "grounds": "x"}
    )
    town.post("temir", f"cases/{case}/channels", {"channels": [{"address": "x@example.kz", "kind": "email"}]})
    everything(town, case, (photo, message), demands)
    told = [
        (who, what, found_in(unpacked(answer.content), said | mail))
        for who, what, answer in town.seen
        if who != "aigul"
    ]
    expected = {("bekova", "author"), ("sot", "author")}
    assert {(who, value) for who, _, values in told for value in values} == expected, told
    assert any(answer.status_code >= 400 for who, _, answer in town.seen), "problems are among what was searched"
    town.recording = False
    own = town.bundle("aigul", photo) + town.bundle("aigul", message)
    assert found_in(own, said | mail) == (said | mail).keys() - {"body", "attached"}, (
        "the search finds, and the values were taken"
    )

    wrong_requests(town, case, photo, refused)
    public = b"".join(town.call(None, "GET", path).content for path in public_paths(town))
    assert found_in(public, said | mail | refused) == set()
    assert found_in(town.log, said | mail | refused | town.tokens) == set()  # type: ignore[operator]  # both are dicts
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


def everything(town: Town, case: str, numbers: tuple[str, ...], demands: list[str]) -> None:
    """Every reading call, and some that are refused, by everybody but the submitter; the court without the file."""
    for who in VIEWERS:
        paths = ["cases", *(f"cases/{case}{end}" for end in ("", "/timeline", "/demands", "/standing"))]
        paths += [f"evidence/{number}{end}" for number in numbers for end in ("", "/bundle?file=false")]
        paths += [f"demands/{demand}" for demand in demands]
        if who != "sot":
            paths += [
                f"cases/{case}/bundle",
                *(f"evidence/{number}{end}" for number in numbers for end in ("/file", "/bundle")),
            ]
        paths += [f"evidence/{number}/receipt" for number in numbers]
        for path in paths:
            town.call(who, "GET", f"{API}/{path}")
        for number in numbers:
            for end, body in (
                ("reveal", {"fields": ["declared.note", "x"]}),
                ("standing", {"code": "A"}),
                ("demands", {"fields": ["X"]}),
            ):
                town.call(who, "POST", f"{API}/evidence/{number}/{end}", json=body)
            town.call(who, "POST", f"{API}/lookups", json={"sha256": "0" * 64})


def unpacked(data: bytes) -> bytes:
    """An answer with what JSON escapes, and what a zip holds, beside it."""
    parts = [data, data.decode("utf-8", "replace").encode("utf-8").replace(b"\\u00", b"")]
    if data.startswith(b"PK"):
        parts += members_of(data).values()
    return b"\n".join(parts)


def wrong_requests(town: Town, case: str, number: str, values: Mapping[str, str]) -> None:
    """Requests of the submitter's own that fail, with things in them that no log may keep."""
    path = f"{API}/cases/{case}/evidence"
    for statement in (
        b'{"metadata":{"author":"%s"' % values["torn"].encode(),
        b'{"%s":1}' % values["unknown"].encode(),
        b'{"metadata":{"author":"%s"},"sha256":"x"}' % values["wrong"].encode(),
    ):
        files = {"statement": (None, statement), "file": (values["wrong"], b"x")}
        assert town.call("aigul", "POST", path, files=files).status_code in (400, 422)
    town.call("aigul", "POST", path, headers={"Idempotency-Key": values["header"] * 9}, files={"file": ("a", b"x")})
    town.call("aigul", "GET", f"/{values['path']}/{number}?{values['path']}={values['path']}")
    town.call("aigul", "POST", f"{API}/evidence/{number}/demands", content=values["torn"].encode())
    with pytest.raises(AssertionError):
        town.post("aigul", f"cases/{case}/members", {"user": values["unknown"], "role": "third"})


def public_paths(town: Town) -> list[str]:
    size = int(town.call(None, "GET", "/checkpoint").text.split("\n")[1])
    assert 0 < size < 256
    tiles = [f"/tile/0/000.p/{width}" for width in range(1, size + 1)] + [f"/tile/entries/000.p/{size}"]
    return [
        "/checkpoint",
        *tiles,
        "/metrics",
        "/openapi.json",
        "/docs",
        "/healthz",
        "/readyz",
        "/trust.zip",
        "/trust/policy",
    ]


# ---- bundles with equal disclosures


class Stopped(SystemClock):
    """A clock that two ledgers share."""

    def now_ms(self) -> int:
        return 1_795_000_000_000


TWIN_A = {"artist": "Айгүл", "serial": "1", "author": "yes", "place": "Астана", "name": "a.jpg", "address": "1"}
TWIN_B = {"artist": "A much longer name" * 9, "serial": "22-22", "author": "no", "place": "x" * 3_000,
          "name": "another name of another length.jpg", "address": "https://example.kz/" + "y" * 500}  # fmt: skip
SHOWN = "declared.shown"


def twin(data: Path, said: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What three viewers get of the same acts on evidence that differs in what nobody is shown."""
    ledger = Ledger.open(load_settings(data, {}, {}), clock=Stopped())
    people = {name: Actor(name, role) for name, role in PEOPLE.items()}
    try:
        case = ledger.open_case(people["aigul"], "K").case
        for user, role in (("bekova", "opposing"), ("temir", "third"), ("hatshy", "clerk")):
            ledger.add_member(people["aigul"], case, user, PEOPLE[user], role)
        statement = {
            "metadata": {"author": said["author"], "place": said["place"], "shown": "the same"},
            "requisites": {"address": said["address"]},
            "policy": {"file.*": "on-demand", "declared.author": "sealed"},
        }
        with ledger.receive_file() as upload:
            upload.write(photograph(said["artist"], said["serial"], said["place"][:200]))
            anchored = ledger.anchor(people["aigul"], case, json.dumps(statement).encode(), upload, said["name"], "key")
        demand = ledger.desk.demand(people["bekova"], anchored.number, fields="all", grounds="why").demand
        ledger.desk.disclose(people["aigul"], demand, fields=[SHOWN])
        ledger.desk.refuse(people["aigul"], demand, "no")
        views: dict[str, Any] = {}
        bundles: dict[str, bytes] = {}
        for who in ("bekova", "temir", "hatshy"):
            views[who] = ledger.evidence(people[who], anchored.number)
            bundles[who] = b"".join(ledger.bundle(people[who], anchored.number, True).chunks)
            bundles[f"{who}, case"] = b"".join(ledger.case_bundle(people[who], case).chunks)
        return views, bundles
    finally:
        ledger.close()


def test_bundles_with_equal_disclosures_tell_nothing_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One log's keys, clock and secrets, twice; the evidence differs in what is closed, and in its length. What differs
    in the bundles are the hashes of the closed fields, and what is computed from them.
    """
    make_town(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    results = []
    for folder, said in (("a", TWIN_A), ("b", TWIN_B)):
        draw = random.Random(7)  # the same secrets twice: only the values differ
        monkeypatch.setattr(secrets, "token_bytes", lambda n, draw=draw: draw.randbytes(n))
        monkeypatch.setattr(secrets, "token_hex", lambda n, draw=draw: draw.randbytes(n).hex())
        results.append(twin(tmp_path / folder, said))
    (views_a, bundles_a), (views_b, bundles_b) = results
    for who, bundle in bundles_a.items():
        compare_members(members_of(bundle), members_of(bundles_b[who]), disclosed=who.startswith("bekova"))
        assert len(bundle) == len(bundles_b[who])
    for who, view in views_a.items():
        differing = {name for name in view.__slots__ if getattr(view, name) != getattr(views_b[who], name)}
        assert differing == {"leaf", "leaf_hash"}


def compare_members(one: Mapping[str, bytes], two: Mapping[str, bytes], *, disclosed: bool) -> None:
    assert list(one) == list(two)
    assert {name: len(data) for name, data in one.items()} == {name: len(data) for name, data in two.items()}
    changed = {name for name in one if one[name] != two[name]}
    assert {re.sub(r"\d+", "N", name) for name in changed} == {
        "bundle.json", "entries/N/hashes", "entries/N/leaf.json", "entries/N/proof.tlog-proof",
    }  # fmt: skip
    (hashes,) = (name for name in changed if name.endswith("/hashes"))
    folder = hashes.removesuffix("hashes")
    names = ["@names", *json.loads(one[f"{folder}fields/0.json"])[2]]
    rows = zip(names, one[hashes].split(), two[hashes].split(), strict=True)
    closed = {name for name, left, right in rows if left != right}
    told = {
        "file.name",
        "file.sha256",
        "file.sha512",
        "file.size",
        "declared.author",
        "declared.place",
        "requisite.address",
    }
    assert told <= closed and not {SHOWN, "@names", "submitter.name", "file.media_type", "declared.shown"} & closed
    assert (f"{folder}fields/{names.index(SHOWN)}.json" in one) is disclosed
    for name in changed - {"bundle.json", hashes}:
        if name.endswith("leaf.json"):
            left, right = (json.loads(each[name]) for each in (one, two))
            left, right = ({**leaf, "prev": None, "fields": {**leaf["fields"], "root": None}} for leaf in (left, right))
            assert left == right and (
                name == f"{folder}leaf.json" or json.loads(one[name])["fields"] == json.loads(two[name])["fields"]
            )
        else:
            assert masked(one[name]) == masked(two[name])
    left, right = (json.loads(each["bundle.json"]) for each in (one, two))
    for listed in (left, right):
        for member in listed["members"]:
            member["sha256"] = None
    assert left == right


def masked(proof: bytes) -> list[str]:
    """A proof without its hashes, root and signatures."""
    return [re.sub(r"[A-Za-z0-9+/]{40,}={0,2}$", "…", line) for line in proof.decode().split("\n")]


def test_no_salt_and_no_hash_occurs_twice(tmp_path: Path) -> None:
    """The same file with the same statement, over and over, with keys and without; all acts on it as well."""
    settings, _ = make_town(tmp_path / "data")
    ledger = Ledger.open(settings)
    aigul, bekova = Actor("aigul", "party"), Actor("bekova", "counsel")
    salts: list[str] = []
    hashes: list[str] = []
    try:
        case = ledger.open_case(aigul, "K").case
        ledger.add_member(aigul, case, "bekova", "counsel", "opposing")
        for round_ in range(12):
            key = f"key-{round_ // 2}"  # every second one is a repetition of the one before
            with ledger.receive_file() as upload:
                upload.write(b"the same file")
                anchored = ledger.anchor(aigul, case, b'{"metadata":{"a":"same","b":"same"}}', upload, "a.txt", key)
            if not anchored.replayed:
                demand = ledger.desk.demand(bekova, anchored.number, fields="all", grounds="same").demand
                ledger.desk.refuse(aigul, demand, "same")
        bundle = members_of(b"".join(ledger.case_bundle(aigul, case).chunks))
    finally:
        ledger.close()
    for name, data in bundle.items():
        if "/fields/" in name:
            salts.append(json.loads(data)[1])
        elif name.endswith("/hashes"):
            hashes += data.decode().split()
    assert len(salts) > 150 and len(set(salts)) == len(salts)
    assert len(set(hashes)) == len(hashes) == len(salts)


# ---- what was erased


def test_an_erased_value_is_recovered_from_nothing_that_is_left(tmp_path: Path) -> None:
    """While the server runs, after it stopped, in a later copy, and by guessing: with a yes or no as the value."""
    data = tmp_path / "data"
    settings, tokens = make_town(data)
    with serving(data, tokens) as town:
        ruin = Ruin(town)
        before = remains(data)
        assert {name for _, name in ruin.found(before)} >= ruin.values.keys() - {"kept"} | {"raw"}, "the search finds"
        whole = {name: held for name, held in before.items() if name.startswith("ledger.db")}
        assert recover(whole, ruin.hash, "declared.guilty", ["yes", "no"]) == {"yes"}, "the guessing finds"
        ruin.erase()
        running = remains(data)
        assert ruin.found(running) == set()
        assert recover(running, ruin.hash, "declared.guilty", ["yes", "no"]) == set()
        for _ in range(3):  # what is written afterwards brings nothing back
            town.post("bekova", f"evidence/{ruin.number}/demands", {"fields": "all", "grounds": "again"})
        repeat = {"statement": (None, b"{}"), "file": ("a.jpg", ruin.file)}
        path = f"{API}/cases/{ruin.case}/evidence"
        again = town.call("aigul", "POST", path, files=repeat, headers={"Idempotency-Key": "key"})
        assert again.status_code == 410 and ruin.number in again.text
        shown = town.call("aigul", "GET", f"{API}/evidence/{ruin.number}").content + town.bundle("aigul", ruin.number)
        assert found_in(shown, ruin.sought()) == set() and ruin.values["kept"].encode() in shown
        town.post("zhanna", f"evidence/{ruin.number}/standing", {"code": ruin.anchored["access"]}, 404)
        assert ruin.found(remains(data)) == set()
    copy = tmp_path / "backup"
    shutil.copytree(data, copy)
    assert ruin.found(remains(copy)) == set()
    assert recover(remains(copy), ruin.hash, "declared.guilty", ["yes", "no"]) == set()
    assert list(fsck(settings)) == []
