"""A case with everybody in it, and for each call something to do it with: as often as somebody may, anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.api.service import FORM_TYPE, Part, Service, form, hash_only

COLUMNS: Mapping[str, str | None] = {
    "opener": "aigul",
    "own side": "arman",
    "opposing": "bekova",
    "third": "temir",
    "court": "sot",
    "clerk": "hatshy",
    "notary": "notarius",
    "expert": "sarapshy",
    "removed": "murat",
    "operator": "root",
    "stranger": "zhanna",
    "no token": None,
}
"""Who calls: the column of docs/permissions.md, and the account."""

MEMBERS = (
    ("arman", "party", "party"),
    ("bekova", "counsel", "opposing"),
    ("temir", "party", "third"),
    ("murat", "counsel", "opposing"),
    ("hatshy", "clerk", "clerk"),
    ("notarius", "notary", "notary"),
    ("sarapshy", "expert", "expert"),
    ("sot", "court", "court"),
)
API = "/api/v1"
PDF = b"%PDF-1.7 a contract"


@dataclass
class Call:
    """One request, ready to be sent. `rest`: what the test client takes besides."""

    method: str
    path: str
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Courtroom:
    """`case`: opened by aigul; the members as above; murat was removed. `submitter` submits the evidence, and
    `opponent`, of another side, lodges what is lodged.
    """

    service: Service
    case: str = ""
    submitter: str = "aigul"
    opponent: str = "bekova"
    numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        for name, role in (("aigul", "party"), ("root", "operator"), ("zhanna", "party")):
            self.service.add(name, role)
        self.case = self.service.open_case("aigul")
        for name, role, part in MEMBERS:
            self.service.add(name, role)
            assert self.service.admit("aigul", self.case, name, part).status_code == 201
        self._made("aigul", f"cases/{self.case}/members/murat/removal", {"reason": "left the firm"})

    def call(self, method: str, template: str) -> Call:
        """What a call of this method and path needs: its subjects are made now, so that the call can succeed."""
        key = f"{method} {template.removeprefix(API)}"
        return CALLS[key](self)

    def evidence(self) -> dict[str, Any]:
        """A new piece of evidence: the answer to its submission."""
        statement = {"metadata": {"author": "A", "place": "B"}, "policy": {"declared.place": "sealed"}}
        answer = self.service.anchor(self.submitter, self.case, PDF + b"%d" % next(self.numbers), statement)
        assert answer.status_code == 201, answer.get_data()
        return dict(answer.get_json())

    def number(self) -> str:
        return str(self.evidence()["number"])

    def demand(self) -> str:
        body = {"fields": ["declared.author"], "grounds": "why"}
        return str(self._made(self.opponent, f"evidence/{self.number()}/demands", body)["demand"])

    def challenge(self) -> str:
        return str(self._made(self.opponent, f"evidence/{self.number()}/challenges", {"grounds": "why"})["challenge"])

    def standing(self) -> str:
        anchored = self.evidence()
        who = self.somebody()
        body = {"code": anchored["access"], "role": "third"}
        return str(self._made(who, f"evidence/{anchored['number']}/standing", body)["standing"])

    def somebody(self) -> str:
        """An account that nobody knows yet."""
        return self.service.add(f"somebody-{next(self.numbers)}")

    def member(self) -> str:
        who = self.somebody()
        assert self.service.admit("aigul", self.case, who, "third").status_code == 201
        return who

    def post(self, path: str, body: object = None) -> Call:
        return Call("POST", f"{API}/{path}", {} if body is None else {"json": body})

    def get(self, path: str) -> Call:
        return Call("GET", f"{API}/{path}")

    def _made(self, who: str, path: str, body: object) -> dict[str, Any]:
        answer = self.service.post(who, f"{API}/{path}", json=body)
        assert answer.status_code == 201, answer.get_data()
        return dict(answer.get_json())


def _file_form() -> Call:
    data = form([Part("statement", b"{}"), Part("file", PDF, "contract.pdf")])
    return Call("POST", "", {"data": data, "content_type": FORM_TYPE})


def _batch() -> Call:
    return Call("POST", "", {"data": json.dumps(hash_only(PDF)), "content_type": "application/x-ndjson"})


def _at(path: str, call: Call) -> Call:
    return Call(call.method, f"{API}/{path}", call.rest)


def _standing(room: Courtroom) -> Call:
    anchored = room.evidence()
    return room.post(f"evidence/{anchored['number']}/standing", {"code": anchored["access"]})


def _public(path: str) -> Callable[[Courtroom], Call]:
    return lambda room: Call("GET", path)


REASON = {"reason": "why"}

CALLS: Mapping[str, Callable[[Courtroom], Call]] = {
    "POST /cases": lambda room: room.post("cases", {"title": "another"}),
    "GET /cases": lambda room: room.get("cases"),
    "GET /cases/{case}": lambda room: room.get(f"cases/{room.case}"),
    "POST /cases/{case}/members": lambda room: room.post(
        f"cases/{room.case}/members", {"user": room.somebody(), "role": "third"}
    ),
    "POST /cases/{case}/members/{user}/removal": lambda room: room.post(
        f"cases/{room.case}/members/{room.member()}/removal", REASON
    ),
    "GET /cases/{case}/timeline": lambda room: room.get(f"cases/{room.case}/timeline"),
    "GET /cases/{case}/bundle": lambda room: room.get(f"cases/{room.case}/bundle"),
    "POST /cases/{case}/evidence": lambda room: _at(f"cases/{room.case}/evidence", _file_form()),
    "POST /cases/{case}/evidence:batch": lambda room: _at(f"cases/{room.case}/evidence:batch", _batch()),
    "GET /evidence/{number}": lambda room: room.get(f"evidence/{room.number()}"),
    "GET /evidence/{number}/receipt": lambda room: room.get(f"evidence/{room.number()}/receipt"),
    "GET /evidence/{number}/file": lambda room: room.get(f"evidence/{room.number()}/file"),
    "GET /evidence/{number}/bundle": lambda room: room.get(f"evidence/{room.number()}/bundle"),
    "POST /lookups": lambda room: room.post("lookups", {"sha256": "0" * 64}),
    "POST /evidence/{number}/demands": lambda room: room.post(
        f"evidence/{room.number()}/demands", {"fields": "all", "grounds": "why"}
    ),
    "GET /demands/{demand}": lambda room: room.get(f"demands/{room.demand()}"),
    "GET /reminders": lambda room: room.get("reminders"),
    "GET /cases/{case}/demands": lambda room: room.get(f"cases/{room.case}/demands"),
    "POST /demands/{demand}/disclosure": lambda room: room.post(f"demands/{room.demand()}/disclosure", {}),
    "POST /demands/{demand}/refusal": lambda room: room.post(f"demands/{room.demand()}/refusal", REASON),
    "POST /demands/{demand}/ruling": lambda room: room.post(
        f"demands/{room.demand()}/ruling", {"order": "disclose", **REASON}
    ),
    "POST /evidence/{number}/challenges": lambda room: room.post(
        f"evidence/{room.number()}/challenges", {"heads": ["author"], "grounds": "why"}
    ),
    "POST /evidence/{number}/admissions": lambda room: room.post(f"evidence/{room.number()}/admissions", {}),
    "GET /challenges/{challenge}": lambda room: room.get(f"challenges/{room.challenge()}"),
    "POST /challenges/{challenge}/answer": lambda room: room.post(
        f"challenges/{room.challenge()}/answer", {"text": "no"}
    ),
    "POST /challenges/{challenge}/ruling": lambda room: room.post(
        f"challenges/{room.challenge()}/ruling", {"order": "dismissed", **REASON}
    ),
    "POST /evidence/{number}/standing": _standing,
    "GET /standing/{standing}": lambda room: room.get(f"standing/{room.standing()}"),
    "GET /cases/{case}/standing": lambda room: room.get(f"cases/{room.case}/standing"),
    "POST /standing/{standing}/ruling": lambda room: room.post(
        f"standing/{room.standing()}/ruling", {"order": "admit", **REASON}
    ),
    "POST /evidence/{number}/access": lambda room: room.post(f"evidence/{room.number()}/access"),
    "POST /evidence/{number}/custody": lambda room: room.post(f"evidence/{room.number()}/custody", {"to": "expert"}),
    "POST /evidence/{number}/reveal": lambda room: room.post(
        f"evidence/{room.number()}/reveal", {"fields": ["declared.author"]}
    ),
    "POST /cases/{case}/channels": lambda room: room.post(
        f"cases/{room.case}/channels", {"channels": [{"address": "a@example.kz", "kind": "email"}]}
    ),
    "POST /evidence/{number}/erasure": lambda room: room.post(
        f"evidence/{room.number()}/erasure", {"fields": ["declared.author"], "order": "ruling of 1 May, court No. 2"}
    ),
    "GET /checkpoint": _public("/checkpoint"),
    "GET /tile/{level}/{index}": _public("/tile/0/000.p/1"),
    "GET /tile/entries/{index}": _public("/tile/entries/000.p/1"),
    "GET /trust/policy": _public("/trust/policy"),
    "GET /trust/log.vkey": _public("/trust/log.vkey"),
    "GET /trust/tsa-operator/{name}.pem": _public("/trust/tsa-operator/development.pem"),
    "GET /trust.zip": _public("/trust.zip"),
    "POST /timestamp": lambda room: Call(
        "POST", "/timestamp", {"data": b"0", "content_type": "application/timestamp-query"}
    ),
    "GET /healthz": _public("/healthz"),
    "GET /readyz": _public("/readyz"),
    "GET /metrics": _public("/metrics"),
    "GET /openapi.json": _public("/openapi.json"),
    "GET /docs": _public("/docs"),
}
"""How each call is made so that whoever may, succeeds."""
