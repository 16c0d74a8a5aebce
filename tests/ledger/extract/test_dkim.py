"""DKIM: messages signed by another implementation, then every way to change them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ledger.extract.dkim import check_signatures, parse_tags
from tests.ledger.extract.reading import items, read_here, sample

VECTORS: dict[str, Any] = json.loads(sample("dkim.json"))
KEYS: dict[str, str] = VECTORS["keys"]
MESSAGES = {each["name"]: base64.b64decode(each["message"]) for each in VECTORS["messages"]}
PLAIN = MESSAGES["plain rsa-sha256 relaxed/relaxed"]

# RFC 8463 appendix A.2 and A.3: a message with two signatures, and the keys for them.
RFC_8463_KEYS = {
    "brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": (
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J"
        "16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
        "K4w3QIDAQAB"
    ),
}


def outcome(raw: bytes, keys: dict[str, str] = KEYS) -> str:
    results = check_signatures(raw, keys)
    return str(results[0]["outcome"]) if results else "no signature"


@pytest.mark.parametrize("name", MESSAGES)
def test_what_another_implementation_signed_verifies(name: str) -> None:
    [result] = check_signatures(MESSAGES[name], KEYS)
    assert (result["outcome"], result["body_hash"], result["reason"]) == ("verified", "matches", None)
    assert (result["domain"], result["key_given"]) == ("example.test", True)
    assert outcome(MESSAGES[name].replace(b"\r\n", b"\n")) == "verified"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_changed_body_or_a_changed_signed_field_fails(name: str) -> None:
    raw = MESSAGES[name]
    head, _, body = raw.partition(b"\r\n\r\n")
    assert outcome(head + b"\r\n\r\n" + b"X" + body) == "failed"
    assert outcome(raw.replace(b"Subject:", b"Subject: not", 1)) == "failed"


def test_without_a_key_nothing_is_verified_yet_the_body_is_compared() -> None:
    [result] = check_signatures(PLAIN, {})
    assert (result["outcome"], result["reason"], result["body_hash"]) == ("not checked", "no key was given", "matches")
    [result] = check_signatures(PLAIN + b"P.S.\r\n", {})
    assert (result["outcome"], result["body_hash"]) == ("failed", "differs")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (KEYS["e._domainkey.example.test"], "the given key is for something else"),
        ("v=DKIM1; k=rsa; p=", "the given key is revoked, or not for this hash"),
        ("v=DKIM1; k=rsa; p=QUJD", "the given key cannot be read"),
        ("v=DKIM1; k=rsa; p=!!", "base64 is damaged"),
        ("no tags at all", "the given key is revoked, or not for this hash"),
        (RFC_8463_KEYS["test._domainkey.football.example.com"], "the signature is not of the given key"),
    ],
)
def test_a_wrong_key_verifies_nothing(record: str, reason: str) -> None:
    [result] = check_signatures(PLAIN, {"r._domainkey.example.test": record})
    assert (result["outcome"], result["reason"]) == ("failed", reason)


def test_a_second_author_or_a_line_that_is_no_field_is_refused() -> None:
    """The signature covers the last From; programs show the first. And after a line without a colon some show text."""
    assert outcome(b"From: Court <court@example.test>\r\n" + PLAIN) == "not checked"
    assert outcome(PLAIN.replace(b"To: tenant", b"paid in full\r\nTo: tenant", 1)) == "not checked"


def test_a_field_that_was_signed_as_absent_cannot_be_added() -> None:
    raw = MESSAGES["empty rsa-sha256 relaxed/relaxed"]
    assert outcome(raw) == "verified"
    assert outcome(raw.replace(b"\r\n\r\n", b"\r\nTo: somebody@example.test\r\n\r\n")) == "failed"


def test_what_is_appended_beyond_a_signed_length_is_told() -> None:
    raw = MESSAGES["plain rsa-sha256 simple/simple l"] + b"I owe you nothing.\r\n"
    [result] = check_signatures(raw, KEYS)
    assert result["outcome"] == "verified"
    assert isinstance(result["unsigned_body_bytes"], int) and result["unsigned_body_bytes"] >= 20


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"a=rsa-sha256", b"a=rsa-sha1"), (b"v=1;", b"v=2;"), (b"d=example.test", b"d=other.test"), (b" bh=", b" bx=")],
)
def test_a_signature_of_another_form_is_not_believed(old: bytes, new: bytes) -> None:
    assert old in PLAIN
    assert outcome(PLAIN.replace(old, new, 1)) in ("not checked", "failed")


def test_a_tag_list_with_a_tag_twice_is_void() -> None:
    assert parse_tags("v=1; d=a; d=b") == {}
    assert parse_tags(" v = 1 ; d=a;") == {"v": "1", "d": "a"}


def test_the_reader_takes_the_keys_that_came_with_the_evidence() -> None:
    found = read_here(PLAIN, dkim_keys=KEYS)
    assert found["failure"] is None
    assert [each["outcome"] for each in items(found["dkim"])] == ["verified"]
    assert [each["outcome"] for each in items(read_here(PLAIN)["dkim"])] == ["not checked"]


RFC_8463_MESSAGE = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.

"""


def test_the_example_of_rfc_8463_verifies_with_both_algorithms() -> None:
    results = check_signatures(RFC_8463_MESSAGE, RFC_8463_KEYS)
    assert [(each["algorithm"], each["outcome"]) for each in results] == [
        ("ed25519-sha256", "verified"),
        ("rsa-sha256", "verified"),
    ]
    changed = check_signatures(RFC_8463_MESSAGE.replace(b"lost", b"won"), RFC_8463_KEYS)
    assert {each["outcome"] for each in changed} == {"failed"}
