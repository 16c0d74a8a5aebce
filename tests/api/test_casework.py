"""Demands, challenges and standing as three people's programs make them, on both databases.

Every answer is also held to its description (tests.api.described).
"""

from __future__ import annotations

import io
import json
import logging
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.courtroom import API, Courtroom
from tests.api.service import Service, running_service

SECRETS = {"author": "Ж. Құпия-авторова", "place": "42.8746 74.5698", "note": "written on a borrowed telephone"}
SEALED = {"declared.note": "sealed"}


@pytest.fixture
def any_service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """As everywhere, and quicker: these files have no metadata of their own to be taken."""
    with running_service(tmp_path / "data", {"database": database_url, "extract": False}) as running:
        yield running


@pytest.fixture
def room(any_service: Service) -> Courtroom:
    return Courtroom(any_service)


def anchored(room: Courtroom, by: str = "aigul") -> dict[str, Any]:
    """Evidence whose three declared fields are closed to others, the note even to its own side's disclosure."""
    answer = room.service.anchor(by, room.case, b"%PDF-1.7", {"metadata": SECRETS, "policy": SEALED}, name="a.pdf")
    assert answer.status_code == 201, answer.get_data()
    return dict(answer.get_json())


def post(room: Courtroom, who: str, path: str, body: object, status: int = 201) -> dict[str, Any]:
    answer = room.service.post(who, f"{API}/{path}", json=body)
    assert answer.status_code == status, answer.get_data()
    return dict(answer.get_json(force=True))


def get(room: Courtroom, who: str, path: str, status: int = 200) -> dict[str, Any]:
    answer = room.service.get(who, f"{API}/{path}")
    assert answer.status_code == status, answer.get_data()
    return dict(answer.get_json(force=True))


@pytest.mark.parametrize(("submitter", "opponent"), [("aigul", "bekova"), ("bekova", "aigul")])
def test_a_demand_is_answered_in_part_and_the_court_orders_the_rest(
    room: Courtroom, submitter: str, opponent: str
) -> None:
    number = anchored(room, submitter)["number"]
    lodged = room.service.post(
        opponent, f"{API}/evidence/{number}/demands", json={"fields": ["declared.*", "extracted.gps"], "grounds": "why"}
    )
    demand = lodged.get_json()
    assert lodged.headers["Location"] == f"{API}/demands/{demand['demand']}"
    assert (demand["state"], demand["number"], demand["case"]) == ("asked", number, room.case)
    assert demand["fields"] == ["declared.*", "extracted.gps"]
    assert "configuration" in demand["due_basis"] and demand["due_at"] > demand["time"]
    path = f"demands/{demand['demand']}"

    assert post(room, submitter, f"{path}/disclosure", {"fields": ["declared.author"]})["state"] == "partly"
    assert opened(room, opponent, number) == {"declared.author"}
    assert opened(room, "sot", number) == {"declared.author"}
    assert opened(room, "temir", number) == opened(room, "notarius", number) == set()
    assert post(room, submitter, f"{path}/disclosure", {"fields": ["declared.note"]}, 403)["where"]
    assert post(room, submitter, f"{path}/disclosure", {"fields": ["file.name"]}, 422)["where"] == "fields.file.name"
    assert post(room, submitter, f"{path}/refusal", {"reason": "a trade secret"})["state"] == "refused"
    assert opened(room, opponent, number) == {"declared.author"}

    ordered = post(
        room, "sot", f"{path}/ruling", {"order": "disclose", "reason": "it matters", "fields": ["declared.note"]}
    )
    assert ordered["state"] == "ordered"
    assert opened(room, opponent, number) == {"declared.author", "declared.note"}
    kinds = [event["kind"] for event in get(room, opponent, path)["events"]]
    assert kinds == ["metadata.disclosed", "demand.refused", "demand.ruled"]
    for again in ({"order": "disclose", "reason": "x"}, {"order": "uphold-refusal", "reason": "x"}):
        assert "ordered" in post(room, "sot", f"{path}/ruling", again, 409)["detail"]
    listed = get(room, "hatshy", f"cases/{room.case}/demands")["items"]
    assert [each["state"] for each in listed] == ["ordered"]


def opened(room: Courtroom, who: str, number: str) -> set[str]:
    """The declared fields that this member sees open: in the view, and the same in the timeline and the bundle."""
    shown = get(room, who, f"evidence/{number}")
    names = {name for name in shown["opened"] if name.startswith("declared.")}
    bundle = room.service.get(who, f"{API}/evidence/{number}/bundle?file=false").get_data()
    timeline = room.service.get(who, f"{API}/cases/{room.case}/timeline").get_data()
    carried = b"".join([json.dumps(shown).encode(), bundle, timeline]).decode("utf-8", "replace")
    for name, value in SECRETS.items():
        seen = value in carried or json.dumps(value)[1:-1] in carried
        assert seen is (f"declared.{name}" in names), f"{who} sees {name}"
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        inside = [json.loads(archive.read(each))[0] for each in archive.namelist() if "/fields/" in each]
    assert {name for name in inside if name in {f"declared.{each}" for each in SECRETS}} == names
    return names


def test_what_nobody_was_shown_is_in_no_answer_to_him_and_in_no_line_of_the_log(
    room: Courtroom, caplog: pytest.LogCaptureFixture
) -> None:
    """Every reading call, by everybody who may not see it, after a demand that was refused."""
    caplog.set_level(logging.DEBUG)
    body = anchored(room)
    number, code = body["number"], body["access"]
    demand = post(room, "bekova", f"evidence/{number}/demands", {"fields": "all", "grounds": "why"})["demand"]
    post(room, "zhanna", f"evidence/{number}/standing", {"code": code, "role": "third"})
    post(room, "aigul", f"demands/{demand}/refusal", {"reason": "no"})
    paths = [
        "cases", f"cases/{room.case}", f"cases/{room.case}/timeline", f"cases/{room.case}/bundle",
        f"cases/{room.case}/demands", f"cases/{room.case}/standing", f"evidence/{number}", f"evidence/{number}/bundle",
        f"evidence/{number}/receipt", f"evidence/{number}/file", f"demands/{demand}",
    ]  # fmt: skip
    for who in ("bekova", "temir", "sot", "hatshy", "notarius", "murat", "root", "zhanna"):
        for path in paths:
            answer = room.service.get(who, f"{API}/{path}").get_data()
            for value in SECRETS.values():
                assert value.encode() not in answer and json.dumps(value)[1:-1].encode() not in answer, (who, path)
    mine = room.service.get("arman", f"{API}/evidence/{number}").get_data()
    assert all(value.encode() in mine for value in SECRETS.values())
    assert f"GET {API}/evidence/{number} 200" in caplog.text
    for value in (*SECRETS.values(), code, *room.service.tokens.values()):
        assert value not in caplog.text


def test_the_file_the_original_and_an_inspection_are_demanded(room: Courtroom) -> None:
    number = anchored(room)["number"]
    lodge = f"evidence/{number}/demands"
    file = post(room, "bekova", lodge, {"object": "file", "grounds": "why"})["demand"]
    assert room.service.get("bekova", f"{API}/evidence/{number}/file").status_code == 403
    post(room, "aigul", f"demands/{file}/disclosure", {})
    assert room.service.get("bekova", f"{API}/evidence/{number}/file").get_data() == b"%PDF-1.7"
    assert room.service.get("temir", f"{API}/evidence/{number}/file").status_code == 403
    original = post(room, "bekova", lodge, {"object": "original", "grounds": "why"})["demand"]
    assert post(room, "aigul", f"demands/{original}/disclosure", {}, 422)["where"] == "text"
    held = post(room, "aigul", f"demands/{original}/disclosure", {"answer": "not_held", "text": "lost in the fire"})
    assert held["state"] == "not_held"
    later = anchored(room)["number"]
    produced = post(
        room,
        "aigul",
        f"demands/{original}/disclosure",
        {"answer": "produced_later", "produced": later, "text": "found"},
    )
    assert produced["state"] == "produced_later"


Sending = tuple[str, str, object]


@pytest.mark.parametrize(
    "sendings",
    [
        [("aigul", "disclosure", {}), ("arman", "disclosure", {})],
        [("sot", "ruling", {"order": order, "reason": "x"}) for order in ("disclose", "uphold-refusal")],
    ],
    ids=["answers", "rulings"],
)
def test_of_two_at_once_one_wins_and_the_other_hears_the_state(room: Courtroom, sendings: list[Sending]) -> None:
    for _ in range(3):
        demand = room.demand()
        won, lost = sorted(at_once(room, f"demands/{demand}", sendings), key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code) == (201, 409)
        state = won.get_json()["state"]
        assert f"its state is {state} now" in json.loads(lost.get_data())["detail"]
        assert get(room, "sot", f"demands/{demand}") == won.get_json()


def at_once(room: Courtroom, path: str, sendings: list[Sending]) -> list[TestResponse]:
    """The answers to posts below this path that begin in the same moment."""
    answers: list[TestResponse] = []
    gate = threading.Barrier(len(sendings))

    def send(who: str, act: str, body: object) -> None:
        gate.wait(10)
        answers.append(room.service.post(who, f"{API}/{path}/{act}", json=body))

    threads = [threading.Thread(target=send, args=sending) for sending in sendings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == len(sendings)
    return answers


def test_a_court_with_the_code_lets_in_whom_the_submitter_never_would(any_service: Service) -> None:
    service = any_service
    for name, role in (("aigul", "party"), ("zhanna", "party"), ("sot", "court"), ("judge", "court"), ("spy", "court")):
        service.add(name, role)
    case = service.open_case("aigul")
    anchor = service.anchor("aigul", case, b"x", {"metadata": {"author": "A"}}).get_json()
    path = f"{API}/evidence/{anchor['number']}/standing"
    asked = service.post("zhanna", path, json={"code": anchor["access"].lower(), "role": "opposing"}).get_json()
    assert (asked["state"], asked["user"], asked["role"]) == ("asked", "zhanna", "opposing")
    assert service.get("zhanna", f"{API}/cases/{case}").status_code == 404, "asking opens nothing"
    assert service.get("zhanna", f"{API}/standing/{asked['standing']}").get_json() == asked
    assert service.post("zhanna", path, json={"code": anchor["access"]}).status_code == 409
    ruling = f"{API}/standing/{asked['standing']}/ruling"
    refused = service.post("aigul", ruling, json={"order": "refuse", "reason": "not a party"}).get_json()
    assert refused["state"] == "refused"

    wrong = service.post("spy", path, json={"code": "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A"})
    unknown = service.post("spy", f"{API}/evidence/EL-9999999999-51/standing", json={"code": anchor["access"]})
    assert wrong.status_code == unknown.status_code == 404
    assert wrong.get_data() == unknown.get_data(), "a stranger who guesses learns nothing"
    let_in = service.post("sot", path, json={"code": anchor["access"]}).get_json()
    assert (let_in["standing"], let_in["state"], let_in["role"]) == (None, "admitted", "court")
    assert service.post("judge", path, json={"code": anchor["access"]}).status_code == 409, "it has a court"
    assert service.admit("aigul", case, "judge", "court").status_code == 403

    assert service.post("sot", ruling, json={"order": "admit", "reason": "the defendant"}).status_code == 201
    members = {
        each["user"]: each["side"] for each in service.get("zhanna", f"{API}/cases/{case}").get_json()["members"]
    }
    assert members == {"aigul": "party", "sot": "", "zhanna": "opposing"}
    listed = service.get("zhanna", f"{API}/cases/{case}/standing").get_json()["items"]
    assert [each["state"] for each in listed] == ["admitted"]
    assert [event["kind"] for event in listed[0]["events"]] == ["standing.ruled", "standing.ruled"]


def test_guessing_codes_ends_after_ten_and_a_renewed_code_ends_the_old(any_service: Service) -> None:
    service = any_service
    for name, role in (("aigul", "party"), ("guesser", "party"), ("zhanna", "party")):
        service.add(name, role)
    anchor = service.anchor("aigul", service.open_case("aigul"), b"x").get_json()
    path = f"{API}/evidence/{anchor['number']}"
    renewed = service.post("aigul", f"{path}/access").get_json()
    assert renewed["number"] == anchor["number"] and renewed["access"] != anchor["access"]
    for at in range(10):
        guess = service.post("guesser", f"{path}/standing", json={"code": f"GUESS{at}"})
        assert guess.status_code == 404
    for code in ("GUESS", renewed["access"]):
        late = service.post("guesser", f"{path}/standing", json={"code": code})
        assert late.status_code == 429
        assert 1 <= int(late.headers["Retry-After"]) <= 3600
    assert service.post("zhanna", f"{path}/standing", json={"code": anchor["access"]}).status_code == 404
    assert service.post("zhanna", f"{path}/standing", json={"code": renewed["access"]}).status_code == 201


def test_evidence_is_challenged_answered_and_ruled_on_or_admitted(room: Courtroom) -> None:
    number = anchored(room)["number"]
    assert get(room, "bekova", f"evidence/{number}")["standing"] == "not challenged"
    body = {"heads": ["time", "author"], "fields": ["declared.author"], "grounds": "I never wrote this"}
    challenge = post(room, "bekova", f"evidence/{number}/challenges", body)
    assert (challenge["state"], challenge["heads"]) == ("open", ["author", "time"])
    path = f"challenges/{challenge['challenge']}"
    assert post(room, "arman", f"{path}/answer", {"text": "you did"})["state"] == "answered"
    assert "answered" in post(room, "aigul", f"{path}/answer", {"text": "twice"}, 409)["detail"]
    assert post(room, "sot", f"{path}/ruling", {"order": "upheld", "reason": "it shows"})["state"] == "upheld"
    admitted = post(room, "temir", f"evidence/{number}/admissions", {})
    assert (admitted["state"], admitted["heads"], admitted["grounds"]) == ("admitted", [], None)
    shown = get(room, "sot", f"evidence/{number}")
    assert [each["state"] for each in shown["challenges"]] == ["upheld", "admitted"]
    assert "ruled: upheld" in shown["standing"] and "admitted on" in shown["standing"]
    plain = post(room, "temir", f"evidence/{number}/challenges", {"grounds": "doubtful"})
    assert plain["heads"] == ["content"]


def test_custody_revealing_channels_and_copies_are_on_record(room: Courtroom) -> None:
    number = anchored(room)["number"]
    transfer = {"to": "Forensic centre", "from": "A. Serikova", "reason": "examination", "changes": "none"}
    act = post(room, "sarapshy", f"evidence/{number}/custody", transfer)
    assert act["number"] == number
    assert post(room, "sarapshy", f"evidence/{number}/custody", {"to": "x", "at": "yesterday"}, 422)["where"] == "at"
    post(room, "aigul", f"evidence/{number}/reveal", {"fields": ["declared.author", "file"]})
    for who in ("bekova", "temir", "notarius"):
        assert get(room, who, f"evidence/{number}")["opened"]["declared.author"] == SECRETS["author"]
        assert room.service.get(who, f"{API}/evidence/{number}/file").status_code == 200
    channels = {"channels": [{"address": "a@example.kz", "kind": "email"}]}
    assert post(room, "bekova", f"cases/{room.case}/channels", channels)["case"] == room.case
    copy = room.service.anchor(
        "bekova", room.case, b"%PDF-1.7", {"metadata": {"sender": "A <a@example.kz>"}}
    ).get_json()
    shown = get(room, "bekova", f"evidence/{copy['number']}")
    assert shown["copies"] == [f"same bytes as number {number}"]
    assert "declared by bekova" in shown["sender"] and "not proof of the person" in shown["sender"]
    kinds = [each["kind"] for each in get(room, "hatshy", f"cases/{room.case}/timeline")["items"]]
    assert {"custody.transferred", "evidence.revealed", "channel.declared", "member.removed"} <= set(kinds)


def test_what_was_erased_is_gone_and_said_to_be(room: Courtroom) -> None:
    number = anchored(room)["number"]
    demand = post(room, "bekova", f"evidence/{number}/demands", {"fields": ["declared.author"], "grounds": "x"})[
        "demand"
    ]
    order = {"fields": ["declared.author", "file"], "order": "ruling of 1 May, court No. 2"}
    erased = post(room, "sot", f"evidence/{number}/erasure", order)
    assert erased["fields"] == ["declared.author", "file"]
    assert (
        "erased" in post(room, "aigul", f"demands/{demand}/disclosure", {"fields": ["declared.author"]}, 409)["detail"]
    )
    shown = get(room, "aigul", f"evidence/{number}")
    assert shown["erased"] == ["declared.author"] and "declared.author" in shown["closed"]
    gone = room.service.get("aigul", f"{API}/evidence/{number}/file")
    assert (gone.status_code, json.loads(gone.get_data())["number"]) == (410, number)
    assert "erased already" in post(room, "sot", f"evidence/{number}/erasure", order, 409)["detail"]
    assert post(room, "aigul", f"evidence/{number}/access", None, 410)["status"] == 410


def test_a_member_removed_in_the_middle_sees_nothing_and_his_side_goes_on(room: Courtroom) -> None:
    service = room.service
    assert service.admit("aigul", room.case, service.add("ainur"), "opposing").status_code == 201
    number = anchored(room)["number"]
    demand = post(room, "ainur", f"evidence/{number}/demands", {"fields": ["declared.author"], "grounds": "x"})[
        "demand"
    ]
    assert (
        service.post("ainur", f"{API}/cases/{room.case}/members/ainur/removal", json={"reason": "x"}).status_code == 403
    )
    left = post(room, "sot", f"cases/{room.case}/members/ainur/removal", {"reason": "no longer counsel"})
    assert "ainur" not in {member["user"] for member in left["members"]}
    for path in (f"demands/{demand}", f"evidence/{number}", f"cases/{room.case}"):
        assert service.get("ainur", f"{API}/{path}").status_code == 404
    post(room, "aigul", f"demands/{demand}/disclosure", {})
    assert get(room, "bekova", f"evidence/{number}")["opened"]["declared.author"] == SECRETS["author"]
    assert post(room, "sot", f"cases/{room.case}/members/ainur/removal", {"reason": "x"}, 404)["where"] == "user"


def test_the_pages_of_demands_and_requests_hold_each_once(room: Courtroom) -> None:
    demands = [room.demand() for _ in range(4)]
    requests = [room.standing() for _ in range(3)]
    for path, key, expected in (("demands", "demand", demands), ("standing", "standing", requests)):
        found: list[str] = []
        query = "?limit=2"
        while True:
            page = get(room, "sot", f"cases/{room.case}/{path}{query}")
            assert 1 <= len(page["items"]) <= 2
            found += [each[key] for each in page["items"]]
            if page["next"] is None:
                break
            query = f"?limit=2&cursor={page['next']}"
        assert found == expected


def test_what_is_missing_and_what_does_not_fit_is_said_at_once_and_links_are_shown(room: Courtroom) -> None:
    picture = room.service.anchor(
        "aigul", room.case, b"\x89PNG\r\n\x1a\n", {"metadata": {"kind": "screenshot"}}, name="a.png"
    )
    said = picture.get_json()
    assert "a picture without source cannot be examined" in said["missing"][-1]["reason"]
    assert {"requisite.address", "requisite.made_at"} <= {each["name"] for each in said["missing"]}
    assert said["questions"] == []
    number = said["number"]
    statement = {
        "relations": {"supersedes": [number]},
        "requisites": {"author": "B"},
        "metadata": {"author": "A", "extracted.author": "A", "kind": "document"},
        "policy": {"relation.*": "open"},
    }
    later = room.service.anchor("aigul", room.case, b"x", statement).get_json()
    assert get(room, "bekova", f"evidence/{number}")["links"] == [
        {"relation": "supersedes", "number": later["number"], "mine": False}
    ]
    elsewhere = room.service.open_case("aigul")
    other = room.service.anchor("aigul", elsewhere, b"x", statement)
    assert other.status_code == 422
    assert json.loads(other.get_data())["where"] == "statement.relations.supersedes"


def test_reading_is_on_record_where_the_operator_wants_it(tmp_path: Path) -> None:
    with running_service(tmp_path, {"record_reads": True, "extract": False}) as service:
        room = Courtroom(service)
        number = anchored(room)["number"]
        post(room, "aigul", f"evidence/{number}/reveal", {"fields": ["file"]})
        for who in ("aigul", "arman", "bekova"):
            for path in ("", "/file", "/bundle"):
                assert service.get(who, f"{API}/evidence/{number}{path}").status_code == 200
        assert service.get("zhanna", f"{API}/evidence/{number}").status_code == 404
        entries = get(room, "sot", f"cases/{room.case}/timeline?limit=500")["items"]
        reads = [each["opened"] for each in entries if each["kind"] == "evidence.read"]
        assert [(each["custody.to"], each["custody.what"]) for each in reads] == [
            ("bekova", "view"),
            ("bekova", "file"),
            ("bekova", "bundle"),
        ]
