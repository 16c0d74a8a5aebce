"""From a party's statement and file to an entry that only lacks its place in the log."""

from __future__ import annotations

import hmac
from binascii import hexlify
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger.commit.prepared import Prepared, ReplayKey, prepare
from ledger.entry.canonical_json import Value, escape_json, serialise
from ledger.errors import MalformedError
from ledger.submit.acts import Projector
from ledger.submit.draft import Draft, FileFacts, draft_evidence
from ledger.submit.limits import Limits
from ledger.submit.relations import Resolver, link_fields
from ledger.submit.statement import Statement

KEY_CHARACTERS: Final = 64
"""Characters of an Idempotency-Key: 1 to 64 visible ASCII (docs: HTTP)."""

_LINE_SEPARATOR: Final = ":"  # between a batch's key and a line's number, 1 to 10,000: 70 characters at most

_ACCESS_DOMAIN: Final = b"access"
_ACCESS_BYTES: Final = 16  # 128 bits: no list of guesses ends
_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TWO_DIGITS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_FILLING_BITS: Final = 2
_SHIFTS: Final = range(8 * _ACCESS_BYTES + _FILLING_BITS - 10, -1, -10)


@dataclass(frozen=True, slots=True)
class Submission:
    """Who anchors what where: the account, the chain of the case, the file's facts, whether we hold the file, and what
    was `taken` out of it.
    """

    account: str
    chain: str
    statement: Statement
    facts: FileFacts
    stored: bool
    taken: Mapping[str, Value] = field(default_factory=dict)


def check_key(key: str | None) -> None:
    """Raises MalformedError unless the key is absent or 1 to 64 visible ASCII characters."""
    if key is not None and not (1 <= len(key) <= KEY_CHARACTERS and all("!" <= c <= "~" for c in key)):
        raise MalformedError(
            f"read the key: expected 1 to {KEY_CHARACTERS} visible ASCII characters", "Idempotency-Key"
        )


def line_key(key: str | None, line: int) -> str | None:
    """The key of one line of a batch, lines counted from 1."""
    return None if key is None else f"{key}{_LINE_SEPARATOR}{line}"


def replay_key(submission: Submission, key: str | None) -> ReplayKey | None:
    """What a repetition is compared by: the case, the digests, the size, the name and the canonical statement."""
    if key is None:
        return None
    return ReplayKey(submission.account, key, _request(submission))


def _request(submission: Submission) -> bytes:
    """A canonical JSON object, written as it stands: chains and digests need no escape, and canonical JSON only those
    of quotes and backslashes (a property of the tests).
    """
    facts = submission.facts
    return b'{"case":"%b","name":%b,"sha256":"%b","sha512":"%b","size":%d,"statement":"%b","stored":%b}' % (
        submission.chain.encode("ascii"),
        serialise(facts.name),
        hexlify(facts.sha256),
        hexlify(facts.sha512),
        facts.size,
        escape_json(submission.statement.to_canonical()),
        b"true" if submission.stored else b"false",
    )


def draft_submission(submission: Submission, limits: Limits, resolve: Resolver, where: str = "statement") -> Draft:
    """The entry's fields. Raises UnacceptableError where they do not fit."""
    links = link_fields(submission.statement.relations, resolve, where=where)
    return draft_evidence(
        submission.statement,
        submission.facts,
        submission.account,
        server_fields={**submission.taken, **links},
        entry_fields=limits.entry_fields,
    )


def prepare_draft(submission: Submission, draft: Draft, key: str | None, project: Projector) -> Prepared:
    """The entry of a draft, committed to."""
    rows = project(0, submission.chain, draft.kind, draft.fields)
    return prepare(submission.chain, draft.kind, draft.fields, projections=rows, replay=replay_key(submission, key))


def access_code(secret: bytes, counter: int = 0) -> str:
    """The code that lets the other side ask to be let in: 26 characters of base32, in groups, from the entry's secret
    and the number of times that it was renewed.

    Derived, so that it need not be stored, and gone when the secret is erased. It stands in no receipt and no bundle.
    """
    renewal = b":%d" % counter if counter else b""
    code = hmac.digest(secret, _ACCESS_DOMAIN + renewal, "sha256")[:_ACCESS_BYTES]
    # Base32 (RFC 4648 §6) of 128 bits without padding: 26 digits, two at a time.
    bits = int.from_bytes(code, "big") << _FILLING_BITS
    text = "".join([_TWO_DIGITS[bits >> shift & 1023] for shift in _SHIFTS])
    return f"{text[:5]}-{text[5:10]}-{text[10:15]}-{text[15:20]}-{text[20:25]}-{text[25:]}"
