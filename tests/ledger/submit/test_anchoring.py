"""What a repetition is compared by is one canonical text for one submission, however it is written."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import parse, serialise
from ledger.submit.anchoring import Submission, access_code, replay_key
from ledger.submit.draft import FileFacts
from ledger.submit.limits import Limits
from ledger.submit.statement import Statement, parse_statement
from tests.ledger.entry.test_canonical_json import TEXTS, VALUES

CHAIN = "ab" * 16
DIGESTS = st.binary(min_size=64, max_size=64)


@given(TEXTS, st.integers(0, 2**53 - 1), DIGESTS, st.dictionaries(TEXTS, VALUES, max_size=3), st.booleans())
def test_a_request_is_canonical_json_of_all_that_was_asked(
    name: str, size: int, digest: bytes, metadata: dict[str, object], stored: bool
) -> None:
    statement = Statement(metadata=metadata, size=size)  # type: ignore[arg-type]  # any JSON values
    facts = FileFacts(name, size, digest[:32], digest, "")
    key = replay_key(Submission("alice", CHAIN, statement, facts, stored), "k")
    assert key is not None
    assert key.request == serialise(
        {
            "case": CHAIN,
            "name": name,
            "sha256": digest[:32].hex(),
            "sha512": digest.hex(),
            "size": size,
            "statement": statement.to_canonical().decode(),
            "stored": stored,
        }
    )
    assert parse(key.request, where="request")


@given(st.binary(min_size=32, max_size=32), st.integers(0, 3))
def test_an_access_code_is_base32_in_groups_of_five(secret: bytes, counter: int) -> None:
    code = hmac.digest(secret, b"access" + (b":%d" % counter if counter else b""), "sha256")[:16]
    text = access_code(secret, counter)
    assert text.replace("-", "") == base64.b32encode(code).decode().rstrip("=")
    assert [len(part) for part in text.split("-")] == [5, 5, 5, 5, 5, 1]


def test_without_a_key_there_is_nothing_to_compare() -> None:
    assert replay_key(Submission("alice", CHAIN, Statement(), FileFacts("a", 1, b"", b"", ""), False), None) is None


@pytest.mark.parametrize(
    "other",
    [b'{"metadata":{"a":"c"}}', b'{"requisites":{"a":"b"}}', b'{"metadata":{"a":"b"},"name":"x"}', b"{}"],
)
def test_another_spelling_is_the_same_request_and_another_statement_another(other: bytes) -> None:
    facts = FileFacts("a", 1, bytes(32), bytes(64), "")
    spelt, again, differs = (
        replay_key(Submission("alice", CHAIN, parse_statement(text, Limits()), facts, False), "k")
        for text in (b'{"metadata":{"a":"b"}}', b' {"policy":{}, "metadata" : {"a":"\\u0062"}}', other)
    )
    assert spelt is not None and spelt == again != differs
