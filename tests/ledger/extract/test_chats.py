"""Exports of chats: every phone writes its own; asserted exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ledger.extract.reading import items, read_here

ANDROID = """12.10.2026, 14:05 - Сообщения и звонки защищены сквозным шифрованием.
12.10.2026, 14:05 - Айгүл: Ақшаны жібердім
екінші жол: жалғасы
13.10.2026, 09:00 - Daniyar: IMG-20261013-WA0001.jpg (файл добавлен)
13.10.2026, 09:01 - Daniyar: <Без медиафайлов>
14.10.2026, 10:30 - Айгүл: рахмет <Сообщение изменено>
14.10.2026, 10:31 - Айгүл: Данное сообщение удалено
"""
IPHONE = (
    "[10/12/26, 2:05:33\u202fPM] Family: \u200eMessages and calls are end-to-end encrypted.\n"
    "\u200e[10/13/26, 9:00:01\u202fAM] Daniyar: \u200e<attached: 00000002-PHOTO.jpg>\n"
    "[10/13/26, 12:00:00\u202fAM] ~ Aigul: thanks: really\n"
)


def test_an_android_export() -> None:
    found = read_here(ANDROID.encode(), "Чат WhatsApp с контактом Daniyar.txt")
    assert found["failure"] is None
    expected = {
        "format": "chat",
        "application": "WhatsApp",
        "chat_name": "Daniyar",
        "created_at": "2026-10-12T14:05:00",
        "modified_at": "2026-10-14T10:31:00",
        "first_as_written": "12.10.2026, 14:05",
        "messages": 5,
        "service_messages": 1,
        "media_messages": 2,
        "media_missing": 1,
        "edited_messages": 1,
        "deleted_messages": 1,
        "out_of_order": 0,
        "date_order": "dmy",
    }
    assert {name: found[name] for name in expected} == expected
    assert items(found["attachments"]) == ["IMG-20261013-WA0001.jpg"]
    assert items(found["participants"]) == [
        {"name": "Айгүл", "id": None, "messages": 3, "first": "2026-10-12T14:05:00", "last": "2026-10-14T10:31:00"},
        {"name": "Daniyar", "id": None, "messages": 2, "first": "2026-10-13T09:00:00", "last": "2026-10-13T09:01:00"},
    ]


def test_an_iphone_export_with_american_dates() -> None:
    found = read_here(IPHONE.encode(), "_chat.txt")
    assert found["date_order"] == "mdy"
    assert (found["created_at"], found["modified_at"]) == ("2026-10-12T14:05:33", "2026-10-13T00:00:00")
    assert found["out_of_order"] == 1
    assert items(found["attachments"]) == ["00000002-PHOTO.jpg"]
    assert [each["name"] for each in items(found["participants"])] == ["Daniyar", "Family", "~ Aigul"]


def test_dots_in_the_clock_say_nothing_of_the_date() -> None:
    found = read_here(b"05/06/26 14.05 - A: x\n")
    assert (found["date_order"], found["messages"]) == ("ambiguous", 1)
    assert read_here(b"2026-06-05, 14:05 - A: x\n")["created_at"] == "2026-06-05T14:05:00"


def test_a_date_that_contradicts_the_others_is_no_time() -> None:
    found = read_here(b"25/06/26, 14:05 - A: x\n05/26/26, 14:06 - B: y\n")
    assert (found["created_at"], found["modified_at"]) == ("2026-06-25T14:05:00", None)
    assert found["last_as_written"] == "05/26/26, 14:06"


def test_dates_that_can_be_read_two_ways_are_not_guessed() -> None:
    found = read_here(b"05/06/26, 14:05 - A: x\n06/06/26, 14:06 - B: y\n")
    assert (found["date_order"], found["created_at"]) == ("ambiguous", None)
    assert (found["first_as_written"], found["last_as_written"]) == ("05/06/26, 14:05", "06/06/26, 14:06")
    assert found["messages"] == 2


@pytest.mark.parametrize("text", ["12.10.2026 was a Monday\n", "Shopping list\n- milk\n", '{"messages": [1, 2]}', "{}"])
def test_a_text_that_is_no_chat_is_a_text(text: str) -> None:
    assert read_here(text.encode())["format"] == "text"


def telegram() -> dict[str, Any]:
    def message(number: int, day: int, writer: str, **more: Any) -> dict[str, Any]:
        return {"id": number, "type": "message", "date": f"2026-10-{day}T14:05:33",
                "date_unixtime": str(1_791_795_933 + 86_400 * (day - 12)), "from": writer,
                "from_id": f"user{len(writer)}", "text": "…", **more}  # fmt: skip

    return {"name": "Daniyar", "type": "personal_chat", "id": 17, "messages": [
        {"id": 1, "type": "service", "date": "2026-10-12T14:05:33", "date_unixtime": "1791795933", "action": "call"},
        message(2, 12, "Aigul"),
        message(5, 13, "Daniyar", photo="photos/photo_1.jpg", edited="2026-10-13T15:00:00"),
        message(6, 14, "Aigul", file="(File not included. Change data exporting settings to download.)"),
        message(7, 14, "Aigul", forwarded_from="Somebody"),
    ]}  # fmt: skip


def test_telegrams_json() -> None:
    found = read_here(json.dumps(telegram()).encode(), "result.json")
    assert found["failure"] is None
    expected = {
        "format": "chat",
        "application": "Telegram",
        "chat_name": "Daniyar",
        "chat_kind": "personal_chat",
        "chat_id": "17",
        "created_at": "2026-10-12T09:05:33Z",
        "modified_at": "2026-10-14T09:05:33Z",
        "messages": 4,
        "service_messages": 1,
        "media_messages": 2,
        "media_missing": 1,
        "edited_messages": 1,
        "forwarded_messages": 1,
        "first_id": 1,
        "last_id": 7,
        "out_of_order": 0,
    }
    assert {name: found[name] for name in expected} == expected
    assert items(found["attachments"]) == ["photos/photo_1.jpg"]
    assert items(found["participants"])[0] == {
        "name": "Aigul",
        "id": "user5",
        "messages": 3,
        "first": "2026-10-12T09:05:33Z",
        "last": "2026-10-14T09:05:33Z",
    }


def test_a_whole_accounts_export_lists_its_chats() -> None:
    account = {"about": "…", "personal_information": {}, "chats": {"about": "…", "list": [telegram(), telegram()]}}
    found = read_here(json.dumps(account).encode(), "result.json")
    assert (found["messages"], found["chat_name"]) == (8, None)
    assert items(found["chats"])[0] == {"name": "Daniyar", "kind": "personal_chat", "id": "17", "messages": 5}


def test_a_message_moved_out_of_its_place_is_counted() -> None:
    chat = telegram()
    chat["messages"].insert(2, chat["messages"].pop())
    assert read_here(json.dumps(chat).encode())["out_of_order"] == 1
