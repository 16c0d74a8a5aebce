"""GET /reminders: each account's own, and nobody else's. Every answer is also held to its description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.courtroom import API, COLUMNS, Courtroom
from tests.api.service import running_service


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Courtroom]:
    with running_service(tmp_path / "data", {"database": database_url, "extract": False}) as service:
        yield Courtroom(service)


def reminders(room: Courtroom, who: str | None) -> list[dict[str, Any]]:
    answer = room.service.get(who, f"{API}/reminders")
    assert answer.status_code == 200, answer.get_data()
    return list(answer.get_json()["items"])


def test_each_account_gets_its_own(room: Courtroom) -> None:
    demand, standing = room.demand(), room.standing()
    shown = room.service.get("aigul", f"{API}/demands/{demand}").get_json()
    seen = {who: [each["subject"] for each in reminders(room, who)] for who in COLUMNS.values() if who}
    assert {who: subjects for who, subjects in seen.items() if subjects} == {
        "aigul": [demand, standing],
        "arman": [demand],
        "sot": [standing],
    }
    first, second = reminders(room, "aigul")
    assert 9 * 86_400 < first.pop("seconds_left") < 10 * 86_400
    expected = {"subject": demand, "number": shown["number"], "case": room.case, "due_at": shown["due_at"]}
    assert first == {"kind": "answer", "level": "due", **expected}
    assert (second["kind"], second["level"]) == ("standing", "waiting")
    assert (second["due_at"], second["seconds_left"]) == (None, None)

    answer = room.service.post("aigul", f"{API}/demands/{demand}/refusal", json={"reason": "a trade secret"})
    assert answer.status_code == 201
    assert [each["subject"] for each in reminders(room, "arman")] == []
    assert [(each["kind"], each["subject"]) for each in reminders(room, "sot")] == [
        ("ruling", demand),
        ("standing", standing),
    ]


def test_no_grounds_and_no_names_of_fields_are_in_it(room: Courtroom) -> None:
    room.demand()
    text = room.service.get("aigul", f"{API}/reminders").get_data(as_text=True)
    assert "declared" not in text and "why" not in text


def test_it_takes_no_parameters_and_needs_a_token(room: Courtroom) -> None:
    assert room.service.get("aigul", f"{API}/reminders?user=bekova").status_code == 400
    assert room.service.get(None, f"{API}/reminders").status_code == 401
