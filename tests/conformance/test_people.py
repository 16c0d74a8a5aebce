"""People who want more than is theirs, and people in each other's way, over HTTP against `evidence-ledger serve`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.clock import SystemClock
from tests.conformance.served import API, PEOPLE, Town, make_town, serving

UNKNOWN = "EL-9999999999-51"
NOWHERE = "0" * 32
SAID = {"metadata": {"author": "Ж. Серік", "place": "Астана"}, "policy": {"declared.place": "sealed"}}
MORE = {"judge": "court", "arman": "party", "spy": "court", "guesser": "party", "dana": "counsel", "erlan": "party"}
DAY_MS = 24 * 3_600 * 1_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("people") / "data"
    _, tokens = make_town(data, {**PEOPLE, **MORE})
    with serving(data, tokens) as running:
        yield running


@pytest.fixture(scope="module")
def case(town: Town) -> str:
    return town.open_case()


def anchored(town: Town, case: str, who: str = "aigul") -> dict[str, Any]:
    return town.anchor(who, case, b"%PDF-1.7", "a.pdf", SAID)


def lodged(town: Town, number: str, who: str = "bekova", fields: object = "all") -> str:
    return str(town.post(who, f"evidence/{number}/demands", {"fields": fields, "grounds": "why"})["demand"])


def kinds(town: Town, case: str, who: str = "aigul") -> list[str]:
    return [entry["kind"] for entry in town.get(who, f"cases/{case}/timeline?limit=500")["items"]]


# ---- wanting more than is theirs


def test_an_accomplice_is_no_court(town: Town) -> None:
    """Whoever a party adds as court needs an account that the operator made a court's."""
    case = town.open_case(())
    for user in ("zhanna", "arman", "dana", "root", "hatshy"):
        town.post("aigul", f"cases/{case}/members", {"user": user, "role": "court"}, 403)
    for user, role in (("zhanna", "notary"), ("zhanna", "expert"), ("zhanna", "clerk"), ("sot", "expert")):
        town.post("aigul", f"cases/{case}/members", {"user": user, "role": role}, 403)
    town.post("aigul", f"cases/{case}/members", {"user": "sot", "role": "court"})
    town.post("aigul", f"cases/{case}/members", {"user": "spy", "role": "court"}, 403)
    assert kinds(town, case) == ["case.opened", "member.added"], "refusals leave no trace"
    number = anchored(town, case)["number"]
    town.post("aigul", f"cases/{case}/members", {"user": "zhanna", "role": "opposing"})
    demand = lodged(town, number, "zhanna")
    for who in ("aigul", "zhanna"):
        ruling = {"order": "uphold-refusal", "reason": "I say so"}
        town.post(who, f"demands/{demand}/ruling", ruling, 403)
        town.post(who, f"evidence/{number}/erasure", {"fields": "all", "order": "I say so"}, 403)


def test_a_party_is_not_its_own_opponent(town: Town, case: str) -> None:
    made = anchored(town, case)
    for role in ("opposing", "third", "party", "court"):
        town.post("aigul", f"cases/{case}/members", {"user": "aigul", "role": role}, 409 if role != "court" else 403)
    town.post("aigul", f"evidence/{made['number']}/standing", {"code": made["access"], "role": "opposing"}, 409)
    town.post("aigul", f"evidence/{made['number']}/demands", {"fields": "all", "grounds": "why"}, 403)
    town.post("aigul", f"evidence/{made['number']}/challenges", {"grounds": "why"}, 403)
    town.post("aigul", f"evidence/{made['number']}/admissions", {}, 403)
    town.post("aigul", f"cases/{case}/members", {"user": "arman", "role": "party"})
    town.post("arman", f"evidence/{made['number']}/demands", {"fields": "all", "grounds": "why"}, 403)
    town.post("aigul", f"cases/{case}/members", {"user": "arman", "role": "opposing"}, 409)
    demand = lodged(town, made["number"])
    town.post("bekova", f"demands/{demand}/disclosure", {}, 403)
    theirs = anchored(town, case, "bekova")["number"]
    town.post("bekova", f"evidence/{theirs}/demands", {"fields": "all", "grounds": "why"}, 403)
    town.post("bekova", f"demands/{lodged(town, theirs, 'aigul')}/ruling", {"order": "disclose", "reason": "x"}, 403)


def test_a_court_without_the_code_is_a_stranger(town: Town) -> None:
    case = town.open_case(())
    made, path = anchored(town, case), ""
    for path in (f"evidence/{made['number']}", f"evidence/{made['number']}/receipt", f"cases/{case}"):
        town.get("judge", path, 404)
    town.post("judge", f"evidence/{made['number']}/erasure", {"fields": "all", "order": "mine"}, 404)
    for code in ("", "A", made["access"][:-1], made["access"][::-1]):
        town.post("judge", f"evidence/{made['number']}/standing", {"code": code}, 404)
    renewed = town.post("aigul", f"evidence/{made['number']}/access")["access"]
    town.post("judge", f"evidence/{made['number']}/standing", {"code": made["access"]}, 404)
    town.get("judge", f"cases/{case}", 404)
    entered = town.post("judge", f"evidence/{made['number']}/standing", {"code": renewed})
    assert (entered["state"], entered["role"], entered["standing"]) == ("admitted", "court", None)
    assert town.get("judge", f"cases/{case}")["case"] == case
    town.post("spy", f"evidence/{made['number']}/standing", {"code": renewed}, 409)
    town.get("spy", f"cases/{case}", 404)


BODIES: tuple[object, ...] = (
    {}, {"order": "x", "reason": "x"}, {"order": "disclose", "reason": "x"}, {"fields": ["NOT A NAME"], "grounds": ""},
    {"order": "admit", "reason": ""}, {"answer": "produced_later", "produced": "x"}, {"user": "nobody", "role": "x"},
)  # fmt: skip
POSTS = (
    "evidence/{number}/demands", "evidence/{number}/challenges", "evidence/{number}/admissions",
    "evidence/{number}/custody", "evidence/{number}/reveal", "evidence/{number}/erasure", "evidence/{number}/access",
    "demands/{demand}/disclosure", "demands/{demand}/refusal", "demands/{demand}/ruling",
    "challenges/{challenge}/answer", "challenges/{challenge}/ruling", "standing/{standing}/ruling",
    "cases/{case}/members", "cases/{case}/members/bekova/removal", "cases/{case}/channels",
)  # fmt: skip
GETS = (
    "evidence/{number}", "evidence/{number}/receipt", "evidence/{number}/file", "evidence/{number}/bundle",
    "demands/{demand}", "challenges/{challenge}", "standing/{standing}", "cases/{case}", "cases/{case}/timeline",
    "cases/{case}/bundle", "cases/{case}/demands", "cases/{case}/standing",
)  # fmt: skip


@pytest.fixture(scope="module")
def places(town: Town) -> dict[str, str]:
    """One of everything that a stranger could guess the number of."""
    case = town.open_case()
    made = anchored(town, case)
    number = made["number"]
    challenge = town.post("bekova", f"evidence/{number}/challenges", {"grounds": "why"})["challenge"]
    asked = town.post("erlan", f"evidence/{number}/standing", {"code": made["access"], "role": "third"})["standing"]
    demand = lodged(town, number)
    town.post("aigul", f"cases/{case}/members", {"user": "dana", "role": "opposing"})
    town.post("aigul", f"cases/{case}/members/dana/removal", {"reason": "left the firm"})
    return {"case": case, "number": number, "demand": demand, "challenge": challenge, "standing": asked}


@pytest.mark.parametrize("who", ["zhanna", "dana", "judge"])
def test_what_is_there_looks_like_what_is_not(town: Town, places: dict[str, str], who: str) -> None:
    """A stranger, a removed member and another case's court, with requests good and bad: the same bytes each time."""
    absent = {name: NOWHERE if name == "case" else UNKNOWN for name in places}
    told = []
    for method, paths, bodies in (("GET", GETS, (None,)), ("POST", POSTS, BODIES)):
        for path in paths:
            for body in bodies:
                sent: dict[str, Any] = {} if body is None else {"json": body}
                there, nowhere = (
                    town.call(who, method, f"{API}/{path.format(**each)}", **sent) for each in (places, absent)
                )
                if told_apart(there, nowhere) or there.status_code < 400:
                    told.append((method, path, body, there.status_code, there.text, nowhere.status_code, nowhere.text))
    assert told == []


def told_apart(there: httpx.Response, nowhere: httpx.Response) -> bool:
    def shown(answer: httpx.Response) -> tuple[object, ...]:
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in ("date", "location")}
        return answer.status_code, answer.content, tuple(headers.items())

    return shown(there) != shown(nowhere)


def test_another_case_s_things_cannot_be_reached_through_ones_own(town: Town, places: dict[str, str]) -> None:
    """In a case of one's own, the numbers of another's things are answered as numbers that nothing has."""
    mine = town.open_case([("zhanna", "opposing")])
    demand = lodged(town, anchored(town, mine, "zhanna")["number"], "aigul")

    def linked(relation: str, number: str) -> httpx.Response:
        statement = json.dumps({"relations": {relation: [number]}}).encode()
        files = {"statement": (None, statement), "file": ("a", b"x")}
        return town.call("zhanna", "POST", f"{API}/cases/{mine}/evidence", files=files)

    def produced(number: str) -> httpx.Response:
        body = {"answer": "produced_later", "produced": number, "text": "x"}
        return town.call("zhanna", "POST", f"{API}/demands/{demand}/disclosure", json=body)

    tries = [lambda number: linked("corroborates", number), lambda number: linked("answers", number), produced]
    for place in ("number", "demand", "challenge"):
        for attempt in tries:
            there, nowhere = attempt(places[place]), attempt(UNKNOWN)
            assert (there.status_code, nowhere.status_code) == (422, 422)
            assert there.text.replace(places[place], "") == nowhere.text.replace(UNKNOWN, "")


def test_guessing_codes_and_numbers_learns_nothing_and_ends(town: Town, places: dict[str, str]) -> None:
    right = town.post("aigul", f"evidence/{places['number']}/access")["access"]
    guesses = [(places["number"], "AAAAA-AAAAA"), (UNKNOWN, right), ("EL-0000000000-98", right), ("x", right)]
    answers = [
        town.call("guesser", "POST", f"{API}/evidence/{number}/standing", json={"code": code})
        for number, code in guesses
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    while (
        answer := town.call("guesser", "POST", f"{API}/evidence/{UNKNOWN}/standing", json={"code": "A"})
    ).status_code == 404:
        pass  # the rest of the ten
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    town.post("guesser", f"evidence/{places['number']}/standing", {"code": right}, 429)
    town.served.stop()
    town.served.start()
    town.post("guesser", f"evidence/{places['number']}/standing", {"code": right}, 429)
    asked = town.post("zhanna", f"evidence/{places['number']}/standing", {"code": right, "role": "opposing"})
    assert asked["state"] == "asked", "others are not kept out"


# ---- in each other's way


def test_a_member_removed_in_the_middle(town: Town) -> None:
    """What she demanded stays on record and is answered; she sees none of it; the rest of her side goes on."""
    case = town.open_case()
    town.post("aigul", f"cases/{case}/members", {"user": "dana", "role": "opposing"})
    number, theirs = anchored(town, case)["number"], anchored(town, case, "bekova")["number"]
    demand, mine = lodged(town, number), lodged(town, theirs, "aigul")
    town.post("sot", f"cases/{case}/members/bekova/removal", {"reason": "conflict of interest"})
    for path in (f"demands/{demand}", f"evidence/{number}", f"cases/{case}", f"evidence/{theirs}", f"demands/{mine}"):
        town.get("bekova", path, 404)
    for path, body in (
        (f"demands/{mine}/disclosure", {}),
        (f"evidence/{number}/demands", {"fields": "all", "grounds": "x"}),
    ):
        town.post("bekova", path, body, 404)
    assert case not in town.call("bekova", "GET", f"{API}/cases").text
    town.post("aigul", f"demands/{demand}/disclosure", {"fields": ["declared.author"]})
    assert town.get("dana", f"evidence/{number}")["opened"]["declared.author"] == "Ж. Серік"
    assert "declared.author" not in town.get("temir", f"evidence/{number}")["opened"]
    town.get("bekova", f"evidence/{number}", 404)
    assert town.post("dana", f"demands/{mine}/disclosure", {"fields": ["declared.author"]})["state"] == "partly"
    town.post("aigul", f"cases/{case}/members", {"user": "bekova", "role": "third"}, 409)
    town.post("aigul", f"cases/{case}/members", {"user": "bekova", "role": "opposing"})
    assert "declared.author" in town.get("bekova", f"evidence/{number}")["opened"]


def test_a_removed_submitter_s_side_still_answers(town: Town) -> None:
    """Where the whole of the submitter's side is gone, nobody answers; the court's order opens what is here."""
    case = town.open_case()
    number = anchored(town, case, "temir")["number"]
    demand = lodged(town, number)
    town.post("sot", f"cases/{case}/members/temir/removal", {"reason": "no longer a party"})
    town.post("aigul", f"demands/{demand}/disclosure", {}, 403)
    town.post("sot", f"demands/{demand}/ruling", {"order": "disclose", "reason": "it matters"})
    assert {"declared.author", "declared.place"} <= town.get("bekova", f"evidence/{number}")["opened"].keys()


def test_a_demand_after_erasure(town: Town, case: str) -> None:
    number = anchored(town, case)["number"]
    before = lodged(town, number, fields=["declared.author"])
    erased = ["declared.author", "declared.place"]
    town.post("sot", f"evidence/{number}/erasure", {"fields": erased, "order": "ruling 7"})
    after = lodged(town, number, fields=erased)
    for demand in (before, after):
        town.post("aigul", f"demands/{demand}/disclosure", {}, 409)
        town.post("aigul", f"demands/{demand}/disclosure", {"fields": ["declared.author"]}, 409)
        town.post("sot", f"demands/{demand}/ruling", {"order": "disclose", "reason": "x"}, 409)
        assert town.get("bekova", f"demands/{demand}")["state"] == "asked"
    assert town.post("aigul", f"demands/{after}/refusal", {"reason": "it is gone"})["state"] == "refused"
    everything = lodged(town, number)
    assert town.post("aigul", f"demands/{everything}/disclosure", {})["state"] == "disclosed"
    shown = town.get("bekova", f"evidence/{number}")
    assert shown["erased"] == erased and not shown["opened"].keys() & set(erased)


def at_once(town: Town, sendings: list[tuple[str, str, object]]) -> list[httpx.Response]:
    """The answers to posts that begin in the same moment."""
    answers: list[httpx.Response] = []
    gate = threading.Barrier(len(sendings))

    def send(who: str, path: str, body: object) -> None:
        gate.wait(10)
        answers.append(town.call(who, "POST", f"{API}/{path}", json=body))

    threads = [threading.Thread(target=send, args=sending) for sending in sendings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(answers, key=lambda answer: answer.status_code)


@pytest.mark.parametrize("acts", [
    [(who, "disclosure", {"answer": "not_held"}) for who in ("aigul", "arman", "aigul", "arman")],
    [("sot", "ruling", {"order": order, "reason": "x"}) for order in ("disclose", "uphold-refusal")],
], ids=["answers", "rulings"])  # fmt: skip
def test_of_those_who_act_at_once_one_wins(town: Town, acts: list[tuple[str, str, object]]) -> None:
    case = town.open_case()
    town.post("aigul", f"cases/{case}/members", {"user": "arman", "role": "party"})
    number = anchored(town, case)["number"]
    for _ in range(3):
        demand = lodged(town, number)
        won, *lost = at_once(town, [(who, f"demands/{demand}/{act}", body) for who, act, body in acts])
        assert [won.status_code, *(each.status_code for each in lost)] == [201] + [409] * (len(acts) - 1)
        state = won.json()["state"]
        assert all(f"its state is {state} now" in each.json()["detail"] for each in lost)
        shown = town.get("bekova", f"demands/{demand}")
        assert shown["state"] == state and len(shown["events"]) == 1


def test_a_removal_and_an_answer_at_once(town: Town) -> None:
    """Whichever comes first, the record is in order: either she answered as a member, or not at all."""
    for _ in range(3):
        case = town.open_case()
        number = anchored(town, case, "bekova")["number"]
        demand = lodged(town, number, "aigul")
        removal = f"cases/{case}/members/bekova/removal"
        answers = at_once(
            town, [("bekova", f"demands/{demand}/refusal", {"reason": "no"}), ("sot", removal, {"reason": "x"})]
        )
        happened = [kind for kind in kinds(town, case) if kind in ("demand.refused", "member.removed")]
        assert answers[0].status_code == 201
        if answers[1].status_code == 201:
            assert happened == ["demand.refused", "member.removed"]
        else:
            assert (answers[1].status_code, happened) == (404, ["member.removed"])


class EarlierClock(SystemClock):
    """Eleven days ago."""

    def now_ms(self) -> int:
        return super().now_ms() - 11 * DAY_MS


def test_a_term_that_passed_while_the_server_was_down(tmp_path: Path) -> None:
    """Lodged eleven days ago, under a term of ten; the server was down since. One `demand.lapsed`, however often it
    starts; a term that has not passed, and a demand that was answered, are let be.
    """
    settings, tokens = make_town(tmp_path / "data")
    ledger = Ledger.open(settings, clock=EarlierClock())
    aigul, bekova = Actor("aigul", "party"), Actor("bekova", "counsel")
    case = ledger.open_case(aigul, "K").case
    ledger.add_member(aigul, case, "bekova", "counsel", "opposing")
    number = ledger.anchor(aigul, case, HASH_ONLY, None, None, None).number
    demands = [ledger.desk.demand(bekova, number, fields="all", grounds="why").demand for _ in range(2)]
    ledger.desk.refuse(aigul, demands[1], "no")
    ledger.close()
    with serving(tmp_path / "data", tokens) as town:
        late = lodged(town, number)
        for restarted in (False, True):
            if restarted:
                town.served.stop()
                town.served.start()
            _wait_for(town, demands[0], "lapsed")
            assert town.get("bekova", f"demands/{demands[1]}")["state"] == "refused"
            assert town.get("bekova", f"demands/{late}")["state"] == "asked"
            lapsed = [entry for entry in _timeline(town, case) if entry["kind"] == "demand.lapsed"]
            assert len(lapsed) == 1
            assert lapsed[0]["opened"]["demand.due_at"] == town.get("bekova", f"demands/{demands[0]}")["due_at"]
            assert lapsed[0]["opened"]["submitter.name"] == "@ledger"
        answered = town.post("aigul", f"demands/{demands[0]}/disclosure", {})
        assert [event["kind"] for event in answered["events"]] == ["demand.lapsed", "metadata.disclosed"]


HASH_ONLY = (
    b'{"metadata":{"author":"A"},"name":"a","sha256":"' + b"0" * 64 + b'","sha512":"' + b"0" * 128 + b'","size":1}'
)


def _timeline(town: Town, case: str) -> list[dict[str, Any]]:
    return list(town.get("bekova", f"cases/{case}/timeline?limit=500")["items"])


def _wait_for(town: Town, demand: str, state: str) -> None:
    for _ in range(200):
        if town.get("bekova", f"demands/{demand}")["state"] == state:
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{demand} has not become {state}")
