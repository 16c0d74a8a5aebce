"""What is opened quickly is what the strict reader reads; whatever was changed is left to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import INTEGER_MAX, Value
from ledger.entry.commitment import commit_and_write, commit_fields
from ledger.entry.held import read_held
from ledger.entry.quick_held import open_whole
from ledger.errors import LedgerError

SECRET = bytes(range(32))
values: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9_]{1,8})?", fullmatch=True), values, max_size=6)


@given(fields)
def test_what_was_committed_is_opened(given_fields: dict[str, Value]) -> None:
    committed, data = commit_and_write(SECRET, given_fields)
    commitment = committed.commitment
    found = open_whole(SECRET, data, commitment.count, commitment.root)
    assert found == given_fields
    assert found == read_held(SECRET, data, None).fields


@given(fields, st.data())
def test_what_is_opened_is_what_the_strict_reader_reads(given_fields: dict[str, Value], data: st.DataObject) -> None:
    """Changed bytes, measured against the commitment that they themselves give, so that their form alone decides."""
    _, whole = commit_and_write(SECRET, given_fields)
    at = data.draw(st.integers(0, len(whole)))
    put = data.draw(
        st.one_of(st.binary(max_size=2), st.sampled_from([b" ", b"1.0", b"1e2", b"-0", b'"a":1,', b"\\u0041"]))
    )
    changed = whole[:at] + put + whole[at + data.draw(st.integers(0, 2)) :]
    try:
        strict = read_held(SECRET, changed, None)
    except LedgerError:
        committed = commit_fields(SECRET, given_fields).commitment
        assert open_whole(SECRET, changed, committed.count, committed.root) is None
        return
    found = open_whole(SECRET, changed, strict.commitment.count, strict.commitment.root)
    assert found is None or found == strict.fields


@pytest.mark.parametrize(
    "form", [b'{"a":1.0}', b'{"a":1,"a":1}', b'{ "a":1}', b'{"a":9007199254740993}', b'{"b":1,"a":1}', b"[]", b"", b"{",
             b'{"@names":[]}', b'{"a":"\\ud800"}', b'{"a":"\\u0041"}', b'{"A":1}']
)  # fmt: skip
def test_forms_that_are_not_canonical_are_not_opened(form: bytes) -> None:
    for value in (1, "A"):
        made = commit_fields(SECRET, {"a": value}).commitment
        assert open_whole(SECRET, form, made.count, made.root) is None


def test_another_secret_count_or_root_is_not_opened() -> None:
    committed, data = commit_and_write(SECRET, {"a": 1})
    made = committed.commitment
    assert open_whole(SECRET, data, made.count, made.root) == {"a": 1}
    assert open_whole(bytes(32), data, made.count, made.root) is None
    assert open_whole(bytes(31), data, made.count, made.root) is None
    assert open_whole(SECRET, data, made.count + 1, made.root) is None
    assert open_whole(SECRET, data, made.count, bytes(32)) is None
