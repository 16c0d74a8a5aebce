"""What members do, on both databases: every answer is also held to its description (tests.api.described)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pytest

from ledger.entry.canonical_json import serialise
from tests.api.service import Service, hash_only

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def test_from_a_case_to_a_bundle(any_service: Service) -> None:
    service = any_service
    service.add("Айгүл")
    case = service.open_case("Айгүл")
    answer = service.anchor("Айгүл", case, PHOTO, {"metadata": {"author": "Айгүл"}}, name="Фото 1.png", key="k-1")
    assert answer.status_code == 201
    body = answer.get_json()
    number = body["number"]
    assert answer.headers["Location"] == f"/api/v1/evidence/{number}"
    assert (body["case"], body["receipt"]["number"]) == (case, number)

    shown = service.get("Айгүл", answer.headers["Location"]).get_json()
    assert shown["opened"]["file.sha256"] == hashlib.sha256(PHOTO).hexdigest()
    assert shown["opened"]["declared.author"] == "Айгүл"
    assert shown["opened"]["file.name"] == "Фото 1.png"
    assert shown["published"] and shown["has_file"] and shown["closed"] == []

    file = service.get("Айгүл", f"/api/v1/evidence/{number}/file")
    assert file.get_data() == PHOTO
    assert file.headers["Content-Disposition"].startswith('attachment; filename="')
    assert "filename*=UTF-8''%D0%A4%D0%BE%D1%82%D0%BE%201.png" in file.headers["Content-Disposition"]
    assert file.headers["Content-Security-Policy"].startswith("sandbox")

    receipt = service.get("Айгүл", f"/api/v1/evidence/{number}/receipt")
    assert receipt.get_data() == serialise(body["receipt"])
    assert "secret" in receipt.get_json()

    for query, inside in (("", True), ("?file=true", True), ("?file=false", False)):
        bundle = service.get("Айгүл", f"/api/v1/evidence/{number}/bundle{query}")
        assert len(bundle.get_data()) == bundle.content_length
        with zipfile.ZipFile(io.BytesIO(bundle.get_data())) as archive:
            assert (f"evidence/{body['index']}.png" in archive.namelist()) is inside
    for query, inside in (("", True), ("?file=false", False)):
        whole = service.get("Айгүл", f"/api/v1/cases/{case}/bundle{query}")
        with zipfile.ZipFile(io.BytesIO(whole.get_data())) as archive:
            assert json.loads(archive.read("bundle.json"))["case"] == case
            assert (f"evidence/{body['index']}.png" in archive.namelist()) is inside


def test_a_repetition_gets_the_first_receipt_and_other_content_a_conflict(any_service: Service) -> None:
    service = any_service
    service.add("alice")
    case = service.open_case("alice")
    first = service.anchor("alice", case, b"one", {"metadata": {"a": 1, "b": 2}}, key="key-1")
    again = service.anchor("alice", case, b"one", {"metadata": {"b": 2, "a": 1}}, key="key-1")
    assert (first.status_code, again.status_code) == (201, 200)
    for member in ("number", "case", "index", "time", "access"):
        assert again.get_json()[member] == first.get_json()[member]
    for member in ("leaf", "hashes", "opened", "secret"):
        assert again.get_json()["receipt"][member] == first.get_json()["receipt"][member]
    assert again.get_data() == first.get_data()
    before = service.stored()
    for data, statement in (
        (b"two", {"metadata": {"a": 1, "b": 2}}),
        (b"one", {"metadata": {"a": 1}}),
        (None, hash_only(b"one")),
    ):
        answer = service.anchor("alice", case, data, statement, key="key-1")
        assert answer.status_code == 409
        assert answer.get_json()["where"] == "Idempotency-Key"
    assert service.stored() == before
    assert service.anchor("alice", case, b"one").status_code == 201
    assert service.anchor("alice", case, b"one").status_code == 201


def test_a_key_is_one_user_s(any_service: Service) -> None:
    service = any_service
    service.add("alice")
    service.add("bekova")
    case = service.open_case("alice")
    assert service.admit("alice", case, "bekova", "opposing").status_code == 201
    first = service.anchor("alice", case, b"one", key="key-1").get_json()
    other = service.anchor("bekova", case, b"two", key="key-1")
    assert other.status_code == 201
    assert other.get_json()["number"] != first["number"]


def test_a_batch_of_digests(any_service: Service) -> None:
    service = any_service
    service.add("alice")
    case = service.open_case("alice")
    lines = [json.dumps(hash_only(b"%d" % at, f"page {at}.png", metadata={"page": at})).encode() for at in range(30)]
    headers = {"Idempotency-Key": "batch-1"}
    path = f"/api/v1/cases/{case}/evidence:batch"
    first = service.post(
        "alice", path, data=b"\n".join(lines) + b"\n", content_type="application/x-ndjson", headers=headers
    )
    assert first.status_code == 201
    bodies = [json.loads(line) for line in first.get_data().splitlines()]
    assert [body["index"] for body in bodies] == list(range(bodies[0]["index"], bodies[0]["index"] + 30))
    again = service.post("alice", path, data=b"\r\n".join(lines), content_type="application/jsonl", headers=headers)
    assert again.status_code == 200
    assert [json.loads(line)["number"] for line in again.get_data().splitlines()] == [body["number"] for body in bodies]
    assert again.get_data() == first.get_data()
    shown = service.get("alice", f"/api/v1/evidence/{bodies[7]['number']}").get_json()
    assert (shown["opened"]["file.name"], shown["opened"]["declared.page"]) == ("page 7.png", 7)
    assert not shown["has_file"]
    assert service.get("alice", f"/api/v1/evidence/{bodies[7]['number']}/file").status_code == 404


def test_the_pages_of_cases_and_of_a_timeline_hold_each_item_once(any_service: Service) -> None:
    service = any_service
    service.add("alice")
    service.add("bekova")
    mine = [service.open_case("alice", f"case {at}") for at in range(5)]
    service.open_case("bekova", "not hers")
    for at in range(4):
        assert service.anchor("alice", mine[0], b"%d" % at).status_code == 201
    for path, expected in (
        ("/api/v1/cases", mine),
        (f"/api/v1/cases/{mine[0]}/timeline", [0, 1, 2, 3, 4]),
    ):
        for limit in (1, 2, 5, 500):
            found = []
            cursor = ""
            while True:
                page = service.get("alice", f"{path}?limit={limit}{cursor}").get_json()
                assert 1 <= len(page["items"]) <= limit
                found += [item["case"] if "case" in item else item["seq"] for item in page["items"]]
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            assert found == expected


def test_the_other_side_sees_what_the_policy_opens_and_no_file(any_service: Service) -> None:
    service = any_service
    for name, role in (("alice", "party"), ("bekova", "counsel"), ("sot", "court")):
        service.add(name, role)
    case = service.open_case("alice")
    assert service.admit("alice", case, "bekova", "opposing").get_json()["side"] == "opposing"
    assert service.admit("alice", case, "sot", "court").get_json()["side"] == ""
    statement = {"metadata": {"author": "A", "place": "B"}, "policy": {"declared.place": "open"}}
    number = service.anchor("alice", case, b"text", statement).get_json()["number"]
    seen = service.get("bekova", f"/api/v1/evidence/{number}").get_json()
    assert seen["opened"]["declared.place"] == "B"
    assert "declared.author" in seen["closed"] and "declared.author" not in seen["openings"]
    assert not seen["has_file"]
    assert service.get("bekova", f"/api/v1/evidence/{number}/file").status_code == 403
    assert service.get("bekova", f"/api/v1/evidence/{number}/receipt").status_code == 403
    bundle = service.get("bekova", f"/api/v1/evidence/{number}/bundle").get_data()
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("evidence/")]
    court = service.get("sot", f"/api/v1/evidence/{number}/receipt").get_json()
    assert "secret" not in court
    assert service.get("sot", f"/api/v1/evidence/{number}/file").get_data() == b"text"


def test_a_look_up_finds_mine_and_never_reveals_others(any_service: Service) -> None:
    service = any_service
    service.add("alice")
    service.add("zhanna")
    case = service.open_case("alice")
    number = service.anchor("alice", case, b"secret letter").get_json()["number"]
    digest = {"sha256": hashlib.sha256(b"secret letter").hexdigest()}
    mine = service.post("alice", "/api/v1/lookups", json=digest).get_json()["items"]
    assert [(hit["number"], hit["case"], hit["name"]) for hit in mine] == [(number, case, "contract.pdf")]
    stranger = service.post("zhanna", "/api/v1/lookups", json=digest)
    nothing = service.post("zhanna", "/api/v1/lookups", json={"sha256": "0" * 64})
    assert stranger.get_data() == nothing.get_data()


@pytest.mark.parametrize(("asked", "status", "expected"), [
    ("bytes=0-3", 206, PHOTO[:4]),
    ("bytes=100-", 206, PHOTO[100:]),
    ("bytes=-5", 206, PHOTO[-5:]),
    (f"bytes={len(PHOTO)}-", 416, None),
])  # fmt: skip
def test_a_download_can_be_resumed(service: Service, asked: str, status: int, expected: bytes | None) -> None:
    service.add("alice")
    case = service.open_case("alice")
    number = service.anchor("alice", case, PHOTO).get_json()["number"]
    answer = service.get("alice", f"/api/v1/evidence/{number}/file", headers={"Range": asked})
    assert answer.status_code == status
    if expected is not None:
        assert answer.get_data() == expected


def test_an_empty_file_is_a_file(service: Service) -> None:
    service.add("alice")
    case = service.open_case("alice")
    answer = service.anchor("alice", case, b"", name="empty.txt")
    assert answer.status_code == 201
    number = answer.get_json()["number"]
    assert service.get("alice", f"/api/v1/evidence/{number}").get_json()["opened"]["file.size"] == 0
    assert service.get("alice", f"/api/v1/evidence/{number}/file").get_data() == b""


def test_a_revoked_token_and_a_disabled_account_stop_at_once(service: Service) -> None:
    service.add("kairat")
    assert service.get("kairat", "/api/v1/cases").status_code == 200
    token = next(view.id for view in service.accounts.tokens("kairat"))
    service.accounts.revoke_token(token)
    assert service.get("kairat", "/api/v1/cases").status_code == 401
    service.tokens["kairat"] = service.accounts.new_token("kairat").token
    assert service.get("kairat", "/api/v1/cases").status_code == 200
    service.accounts.disable("kairat")
    assert service.get("kairat", "/api/v1/cases").status_code == 401
