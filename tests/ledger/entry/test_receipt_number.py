"""Receipt numbers: every single slip of a typist shows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.receipt_number import INDEX_MAX, format_number, parse_number
from ledger.errors import LimitError, MalformedError


def test_the_number_of_the_documents() -> None:
    assert format_number(123) == "EL-0000000123-20"
    assert parse_number("EL-0000000123-20") == 123


@given(st.integers(0, INDEX_MAX))
def test_numbers_round_trip_and_obey_iso_7064(index: int) -> None:
    text = format_number(index)
    assert parse_number(text) == index
    assert int(text[3:13] + text[14:]) % 97 == 1


@given(st.integers(0, INDEX_MAX), st.data())
def test_every_wrong_digit_and_every_swap_of_neighbours_shows(index: int, data: st.DataObject) -> None:
    text = format_number(index)
    places = [at for at, char in enumerate(text) if char.isdigit()]
    at = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([each for each in "0123456789" if each != text[at]]))
    with pytest.raises(MalformedError):
        parse_number(text[:at] + digit + text[at + 1 :])
    for first, second in pairwise(places):
        if text[first] != text[second]:
            swapped = list(text)
            swapped[first], swapped[second] = text[second], text[first]
            with pytest.raises(MalformedError):
                parse_number("".join(swapped))


@pytest.mark.parametrize(
    "text",
    [
        "", "123", "EL-123-20", "el-0000000123-20", "EL-0000000123-20\n", " EL-0000000123-20", "EL-00000000123-20",
        "EL-+000000123-20", "EL-0000000123-２0", "EL-0000000123", "EL_0000000123_20", "EL-٠٠٠٠٠٠٠١٢٣-20",
    ],
)  # fmt: skip
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_number(text)


def test_congruent_check_digits_are_refused() -> None:
    # mod 97 alone would take 00, 01 and 99 beside 97, 98 and 02.
    seen = set()
    for index in range(2000):
        text = format_number(index)
        check = int(text[-2:])
        for other in (check - 97, check + 97):
            if 0 <= other <= 99:
                seen.add(other)
                with pytest.raises(MalformedError):
                    parse_number(f"{text[:-2]}{other:02}")
    assert seen == {0, 1, 99}


@pytest.mark.parametrize("index", [-1, INDEX_MAX + 1])
def test_an_index_beyond_ten_digits_has_no_number(index: int) -> None:
    with pytest.raises(LimitError):
        format_number(index)
