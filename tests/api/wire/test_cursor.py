"""Cursors come back as they went, and nothing else is one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.cursor import cut, format_cursor, parse_cursor
from ledger.errors import MalformedError

POSITIONS = st.integers(0, 2**53 - 1)


@given(POSITIONS)
def test_a_cursor_comes_back_as_it_went(position: int) -> None:
    assert parse_cursor("cases", format_cursor("cases", position)) == position


@given(POSITIONS)
def test_a_cursor_of_another_list_is_refused(position: int) -> None:
    with pytest.raises(MalformedError):
        parse_cursor("timeline", format_cursor("cases", position))


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        position = parse_cursor("cases", text)
    except MalformedError:
        return
    assert format_cursor("cases", position) == text


@pytest.mark.parametrize("text", ["cases:-1", "cases:+1", "cases:01", "cases:1_0", "cases:", "cases", "cases:٣",
                                  f"cases:{2**53}", " cases:1", "cases:1 ", "cases:1:2"])  # fmt: skip
def test_other_spellings_of_a_position_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_cursor("cases", base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def test_a_padded_cursor_is_refused() -> None:
    cursor = base64.urlsafe_b64encode(b"cases:1234").decode()
    assert cursor.endswith("=")
    with pytest.raises(MalformedError):
        parse_cursor("cases", cursor)


def test_the_item_too_many_only_tells_that_there_is_more() -> None:
    page = cut([1, 2, 3], 2, "cases", lambda item: item)
    assert page.items == (1, 2)
    assert page.next is not None and parse_cursor("cases", page.next) == 2
    assert cut([1, 2], 2, "cases", lambda item: item).next is None
    assert cut([], 2, "cases", lambda item: item).items == ()
