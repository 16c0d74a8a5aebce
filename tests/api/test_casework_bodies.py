"""Bodies of casework that are not as they should be: the status, and the place by its name."""

from __future__ import annotations

import json

from tests.api.courtroom import API, Courtroom
from tests.api.service import Service

BODIES: dict[str, tuple[str, object, int, str]] = {
    "no grounds": ("evidence/{number}/demands", {"fields": "all"}, 422, "body.grounds"),
    "blank grounds": ("evidence/{number}/demands", {"fields": "all", "grounds": " "}, 422, "grounds"),
    "letters turned around": ("evidence/{number}/demands", {"fields": "all", "grounds": "a\u202eb"}, 422, "grounds"),
    "a lone surrogate": ("evidence/{number}/demands", {"fields": "all", "grounds": "\ud800"}, 400, "body"),
    "no fields": ("evidence/{number}/demands", {"grounds": "x"}, 422, "fields"),
    "fields as a text": ("evidence/{number}/demands", {"fields": "some", "grounds": "x"}, 422, "body.fields"),
    "fields as numbers": ("evidence/{number}/demands", {"fields": [1], "grounds": "x"}, 422, "body.fields"),
    "a name that is none": ("evidence/{number}/demands", {"fields": ["A b"], "grounds": "x"}, 422, "fields.A b"),
    "too many names": (
        "evidence/{number}/demands", {"fields": [f"a.b{at}" for at in range(1024)], "grounds": "x"}, 422, "fields",
    ),
    "an object that is none": (
        "evidence/{number}/demands", {"fields": "all", "object": "moon", "grounds": "x"}, 422, "object",
    ),
    "fields of a file": (
        "evidence/{number}/demands", {"fields": ["a.b"], "object": "file", "grounds": "x"}, 422, "fields",
    ),
    "an unknown member": ("evidence/{number}/demands", {"fields": "all", "grounds": "x", "due": 1}, 422, "body.due"),
    "a list": ("evidence/{number}/demands", [], 422, "body"),
    "a head that is none": ("evidence/{number}/challenges", {"heads": ["tail"], "grounds": "x"}, 422, "heads"),
    "no head": ("evidence/{number}/challenges", {"heads": [], "grounds": "x"}, 422, "heads"),
    "a field never committed": ("evidence/{number}/admissions", {"fields": ["a.b"]}, 422, "fields.a.b"),
    "a demand mistyped": ("demands/EL-0000000001-00/disclosure", {}, 404, "number"),
    "a demand that is evidence": ("demands/{number}/disclosure", {}, 404, ""),
    "no reason": ("demands/{demand}/ruling", {"order": "disclose"}, 422, "body.reason"),
    "a standing without a code": ("evidence/{number}/standing", {"role": "third"}, 422, "body.code"),
    "a code that is a number": ("evidence/{number}/standing", {"code": 1}, 422, "body.code"),
    "a code of one's own": ("evidence/{number}/access", {"code": "AAAA"}, 422, "body.code"),
    "channels as texts": ("cases/{case}/channels", {"channels": ["a@example.kz"]}, 422, "body.channels.0"),
    "no channels": ("cases/{case}/channels", {"channels": []}, 422, "channels"),
    "a channel without its kind": ("cases/{case}/channels", {"channels": [{"address": "a"}]}, 422, "channels.0"),
    "a transfer to nobody": ("evidence/{number}/custody", {"to": ""}, 422, "to"),
    "a transfer at 12": ("evidence/{number}/custody", {"to": "x", "at": 12}, 422, "body.at"),
}  # fmt: skip


def test_bad_bodies_are_refused_by_name_and_store_nothing(service: Service) -> None:
    room = Courtroom(service)
    subjects = {"number": room.number(), "demand": room.demand(), "case": room.case}
    before = service.stored()
    for name, (path, body, status, where) in BODIES.items():
        raw = json.dumps(body)
        answer = service.post("bekova", f"{API}/{path.format(**subjects)}", data=raw, content_type="application/json")
        problem = json.loads(answer.get_data())
        assert (answer.status_code, (problem["where"] or "")[: len(where)]) == (status, where), (name, problem)
    assert service.stored() == before
