"""A receipt put together from its frame has the bytes of one that is serialised whole."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import escape_json, serialise
from ledger.entry.commitment import commit_fields
from ledger.entry.receipt_frame import fill_frame, frame_receipt
from ledger.prove.parts import EntryParts
from ledger.prove.receipt import format_receipt
from tests.ledger.entry.test_canonical_json import VALUES
from tests.ledger.entry.test_commitment import FIELDS

SECRETS = st.binary(min_size=32, max_size=32)


@given(FIELDS, SECRETS, st.integers(0, 10**10 - 1), st.text(max_size=60))
def test_a_filled_frame_is_the_receipt(fields: dict[str, Any], secret: bytes, index: int, note: str) -> None:
    committed = commit_fields(secret, fields)
    leaf = serialise({"fields": committed.commitment.root.hex(), "said": ['\u00e9\n"\\', note]})
    proof = f"c2sp.org/tlog-proof@v1\nindex {index}\n\n{note}"
    parts = EntryParts(index, leaf, proof.encode(), committed.hashes, dict(enumerate(committed.openings)))
    escaped = serialise(proof)[1:-1]
    half = len(escaped) // 2
    made = fill_frame(frame_receipt(committed, secret), index, leaf, (escaped[:half], escaped[half:]))
    assert made == format_receipt(parts, (), (), (), secret)
    assert json.loads(made)["proof"] == proof


@given(VALUES)
def test_canonical_json_is_escaped_as_a_string_would_be(value: Any) -> None:
    canonical = serialise(value)
    assert b'"' + escape_json(canonical) + b'"' == serialise(canonical.decode())
