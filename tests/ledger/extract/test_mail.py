"""E-mail: header, path, attachments, mailboxes; asserted exactly."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from tests.ledger.extract.reading import items, read_here

ESTIMATE = bytes(range(256)) * 40
RECEIVED = (
    b"Received: from mail.example.test (mail.example.test [192.0.2.17]) by mx.court.test (Postfix)\r\n"
    b"\twith ESMTPS id 4Xy17 for <tenant@example.test>; Mon, 02 Nov 2026 05:12:09 +0000 (UTC)\r\n"
    b"Received: from [198.51.100.7] (helo=laptop) by mail.example.test with esmtpa; Mon, 02 Nov 2026 10:12:03 +0500\r\n"
)


def message() -> EmailMessage:
    inner = EmailMessage()
    inner["From"], inner["Subject"], inner["Message-ID"] = "tenant@example.test", "The ceiling", "<16@example.test>"
    inner.set_content("It came down.\n")
    mail = EmailMessage()
    mail["From"] = "Қожайын <landlord@example.test>"
    mail["To"] = "tenant@example.test, Court Clerk <clerk@court.test>"
    mail["Cc"] = "third@example.test"
    mail["Date"] = "Mon, 02 Nov 2026 10:12:00 +0500"
    mail["Subject"] = "Re: төбе"
    mail["Message-ID"], mail["In-Reply-To"], mail["References"] = (
        "<17@example.test>",
        "<16@example.test>",
        "<16@example.test>",
    )
    mail["User-Agent"] = "Thunderbird 150"
    mail.set_content("I knew about the ceiling since summer.\n")
    mail.add_alternative("<p>I knew about the ceiling since summer.</p>\n", subtype="html")
    mail.add_attachment(ESTIMATE, maintype="image", subtype="png", filename="смета.png")
    mail.add_attachment(inner)
    return mail


def raw() -> bytes:
    return RECEIVED + message().as_bytes(policy=SMTP)


def test_a_message_tells_who_when_and_over_which_servers() -> None:
    found = read_here(raw())
    assert found["failure"] is None
    expected = {
        "format": "mail",
        "sent_at": "2026-11-02T10:12:00+05:00",
        "received_at": "2026-11-02T05:12:09+00:00",
        "author": "Қожайын <landlord@example.test>",
        "subject": "Re: төбе",
        "from": [{"name": "Қожайын", "address": "landlord@example.test"}],
        "to": [
            {"name": None, "address": "tenant@example.test"},
            {"name": "Court Clerk", "address": "clerk@court.test"},
        ],
        "cc": [{"name": None, "address": "third@example.test"}],
        "bcc": None,
        "message_id": "<17@example.test>",
        "in_reply_to": "<16@example.test>",
        "references": "<16@example.test>",
        "mailer": "Thunderbird 150",
        "arc_sets": 0,
    }
    assert {name: found[name] for name in expected} == expected
    newest, oldest = items(found["received"])
    assert newest["from"] == "mail.example.test"
    assert newest["by"] == "mx.court.test"
    assert newest["for"] == "<tenant@example.test>"
    assert newest["addresses"] == ["192.0.2.17"]
    assert oldest["at"] == "2026-11-02T10:12:03+05:00"
    assert oldest["addresses"] == ["198.51.100.7"]


def test_each_attachment_is_hashed_as_a_reader_would_save_it() -> None:
    data = raw()
    estimate, forwarded = items(read_here(data)["attachments"])
    assert (estimate["name"], estimate["media_type"], estimate["bytes"]) == ("смета.png", "image/png", len(ESTIMATE))
    assert estimate["sha256"] == hashlib.sha256(ESTIMATE).hexdigest()
    start = data.index(b"From: tenant@example.test\r\nSubject: The ceiling")
    inner = data[start : data.index(b"\r\n--", start)]
    assert forwarded["media_type"] == "message/rfc822"
    assert forwarded["sha256"] in {hashlib.sha256(inner + end).hexdigest() for end in (b"", b"\r\n")}
    bodies = items(read_here(data)["bodies"])
    assert [each["media_type"] for each in bodies] == ["text/plain", "text/html"]
    assert bodies[0]["sha256"] == hashlib.sha256(b"I knew about the ceiling since summer.\r\n").hexdigest()


def test_line_ends_of_the_saving_program_change_no_digest_of_binaries() -> None:
    unix = items(read_here(raw().replace(b"\r\n", b"\n"))["attachments"])
    assert unix[0]["sha256"] == hashlib.sha256(ESTIMATE).hexdigest()


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"=?utf-8?B?0YjQsNGA0YI=?=", "шарт"),
        (b"=?windows-1251?Q?=F8=E0=F0=F2?=", "шарт"),
        ("шарт".encode(), "шарт"),
        (b"=?no-such-charset?Q?abc?=", "abc"),
        (b"=?base64_codec?Q?abc?=", "abc"),
        (b"=?utf-8?B?!!!?=", "=?utf-8?B?!!!?="),
        (b"folded\r\n over lines", "folded over lines"),
        (b"bell \x07 and null \x00", "bell \\u0007 and null \\u0000"),
    ],
)
def test_headers_in_any_charset_are_shown_and_controls_are_written_out(header: bytes, shown: str) -> None:
    data = b"From: a@b.test\r\nDate: Mon, 02 Nov 2026 10:12:00 +0500\r\nSubject: " + header + b"\r\n\r\ntext\r\n"
    assert read_here(data, kind="message/rfc822")["subject"] == shown


def test_a_date_of_unknown_zone_stays_without_one() -> None:
    data = b"From: a@b.test\r\nDate: Mon, 02 Nov 2026 10:12:00 -0000\r\n\r\ntext\r\n"
    assert read_here(data)["sent_at"] == "2026-11-02T10:12:00"


def test_a_mailbox_is_counted() -> None:
    one = (
        b"From l@example.test Mon Nov  2 10:12:00 2026\nFrom: L <l@example.test>\nDate: %s\n\nFrom: quoted\n>From x\n\n"
    )
    data = one % b"Mon, 02 Nov 2026 10:12:00 +0500" + one % b"Sun, 01 Nov 2026 10:12:00 +0500"
    found = read_here(data)
    assert (found["format"], found["failure"], found["messages"]) == ("mailbox", None, 2)
    assert (found["first_sent_at"], found["last_sent_at"]) == ("2026-11-01T10:12:00+05:00", "2026-11-02T10:12:00+05:00")
    assert items(found["senders"]) == [{"name": "L <l@example.test>", "messages": 2}]
    assert found["bytes_read"] == len(data)
