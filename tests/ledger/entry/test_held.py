"""What is held of an entry's openings: whole, and what an erasure leaves."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import commit_fields, derive_salt
from ledger.entry.disclosure import Disclosure, check_disclosure
from ledger.entry.held import format_kept, names_held, read_held
from ledger.errors import LedgerError

SECRET = bytes(range(32))
FIELDS = {"file.name": "a", "declared.plea": "guilty", "declared.author": None, "file.size": 3}
NAMES = tuple(sorted(FIELDS))


def kept_of(*erased: str) -> tuple[bytes, bytes]:
    """`fields` and `kept` once these are erased."""
    return format_kept(read_held(SECRET, serialise(FIELDS), None), set(erased))


@given(st.sets(st.sampled_from(NAMES)))
def test_what_survives_proves_as_before(erased: set[str]) -> None:
    whole = commit_fields(SECRET, FIELDS)
    fields, kept = kept_of(*erased)
    held = read_held(None, fields, kept)
    assert held.names == NAMES == names_held(held.fields, kept)
    assert held.commitment == whole.commitment and held.hashes == whole.hashes
    assert held.fields == {name: value for name, value in FIELDS.items() if name not in erased}
    assert held.erased == tuple(sorted(erased))
    assert all(held.openings[at] == whole.openings[at] for at in held.openings)
    opened = check_disclosure(Disclosure(held.hashes, held.openings), whole.commitment)
    assert set(opened.closed) == erased
    openings = json.loads(kept)["openings"]
    assert [name for name in NAMES if any(text.startswith(f'["{name}"') for text in openings)] == sorted(held.fields)


def test_a_second_erasure_goes_on_from_the_first() -> None:
    fields, kept = kept_of("declared.plea")
    again = format_kept(read_held(None, fields, kept), {"declared.plea", "file.name"})
    assert again == kept_of("declared.plea", "file.name")
    assert b"guilty" not in kept + again[1] and b'"a"' not in again[1]


def test_neither_the_secret_nor_an_erased_salt_is_kept() -> None:
    _, kept = kept_of("declared.plea")
    assert b64encode(SECRET) not in kept
    assert b64encode(derive_salt(SECRET, "declared.plea")) not in kept
    assert b64encode(derive_salt(SECRET, "file.name")) in kept  # the search finds


def replaced(kept: bytes, **members: object) -> bytes:
    return serialise({**json.loads(kept), **members})  # type: ignore[dict-item]


FIELDS_LEFT, KEPT = kept_of("declared.plea")
OPENINGS = json.loads(KEPT)["openings"]
HASHES = json.loads(KEPT)["hashes"]


@pytest.mark.parametrize(
    ("secret", "fields", "kept"),
    [
        (SECRET, FIELDS_LEFT, KEPT),
        (None, FIELDS_LEFT, None),
        (None, serialise(FIELDS), KEPT),
        (None, serialise({**json.loads(FIELDS_LEFT), "file.name": "b"}), KEPT),
        (None, serialise([1]), KEPT),
        (SECRET, serialise({"@names": []}), None),
        (None, FIELDS_LEFT, replaced(KEPT, openings=OPENINGS[1:])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=[])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=OPENINGS[:-1])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=[*OPENINGS, OPENINGS[1]])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=[OPENINGS[0], *OPENINGS[:0:-1]])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=[*OPENINGS, OPENINGS[-1].replace("file.size", "file.sizes")])),
        (None, FIELDS_LEFT, replaced(KEPT, openings=[OPENINGS[0].replace("plea", "plee"), *OPENINGS[1:]])),
        (None, FIELDS_LEFT, replaced(KEPT, hashes=["0" * 64, *HASHES[1:]])),
        (None, FIELDS_LEFT, replaced(KEPT, hashes=HASHES[:-1])),
        (None, FIELDS_LEFT, replaced(KEPT, hashes="x")),
        (None, FIELDS_LEFT, replaced(KEPT, more=1)),
        (None, FIELDS_LEFT, b"[]"),
        (None, FIELDS_LEFT, KEPT + b" "),
    ],
)
def test_parts_that_do_not_agree_are_refused(secret: bytes | None, fields: bytes, kept: bytes | None) -> None:
    assert read_held(None, FIELDS_LEFT, KEPT)
    with pytest.raises(LedgerError):
        read_held(secret, fields, kept)


@pytest.mark.parametrize("kept", [b"[]", b"{}", b'{"openings":[]}', b'{"openings":["[]"]}'])
def test_names_are_read_from_what_was_kept_or_not_at_all(kept: bytes) -> None:
    with pytest.raises(LedgerError):
        names_held({}, kept)
