"""Values and times: whatever a file holds, what comes out can be committed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.canonical_json import serialise
from ledger.extract import times
from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings
from ledger.extract.values import DEPTH_MAX, VALUE_BYTES, committable, decimal, decoded, listing, text

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@given(ANYTHING)
def test_anything_becomes_what_the_ledger_can_commit(value: Any) -> None:
    kept = committable(value)
    assert len(serialise(kept, max_depth=DEPTH_MAX)) <= VALUE_BYTES
    assert committable(kept) == kept


@pytest.mark.parametrize(
    "value",
    [
        "ж" * 200_000,
        listing(["x" * 500] * 900),
        {str(n): "x" * 200 for n in range(900)},
        ["y" * 900] * 900,
        "\x00" * 9_000,
    ],
)
def test_what_is_too_large_is_cut_and_says_so(value: Any) -> None:
    kept = committable(value)
    size = len(serialise(kept))
    assert size <= VALUE_BYTES
    if isinstance(kept, dict):
        assert isinstance(kept["truncated"], int) and kept["truncated"] > 0
        assert size > VALUE_BYTES // 2
    else:
        assert isinstance(kept, str) and kept.endswith("more characters]")


def test_a_listing_counts_what_it_leaves_out() -> None:
    assert listing(range(5), limit=2) == {"count": 5, "items": [0, 1], "truncated": 3}
    assert listing(["a"], count=9) == {"count": 9, "items": ["a"], "truncated": 8}
    kept = committable(listing(["x" * 1_000] * 900, count=1_500))
    assert isinstance(kept, dict) and isinstance(kept["items"], list) and isinstance(kept["truncated"], int)
    assert kept["count"] == 1_500 == len(kept["items"]) + kept["truncated"]


def test_fractions_are_a_fault_of_the_reader() -> None:
    for value in (1.5, b"bytes", {1, 2}):
        with pytest.raises(TypeError):
            committable(value)


@pytest.mark.parametrize(
    ("value", "places", "told"),
    [(Fraction(-1, 3), 6, "-0.333333"), (Fraction(1, 2), 0, "0"), (5, 6, "5"), (Fraction(-1, 10**9), 6, "0")],
)
def test_numbers_are_told_in_decimals(value: Fraction, places: int, told: str) -> None:
    assert decimal(value, places) == told


def test_text_is_cleaned_and_cut() -> None:
    assert text("a\x07\ud800\x85b\r\nc\td") == "a\\u0007\\ud800\\u0085b\nc\td"
    assert text("abcdef", 3) == "abc… [3 more characters]"
    assert decoded(b" caf\xe9 \x00rest") == "café"
    assert decoded(b"\x00\x00") is None


TIMES = [
    (times.exif_time, ("2026:11:02 08:41:07",), "2026-11-02T08:41:07"),
    (times.exif_time, ("2026:11:02 08:41:07", "+05:00", "12"), "2026-11-02T08:41:07.12+05:00"),
    (times.exif_time, ("2026:11:02 08:41:07", "nonsense", "x"), "2026-11-02T08:41:07"),
    (times.exif_time, ("2026:11:02",), "2026-11-02"),
    (times.exif_time, ("0000:00:00 00:00:00",), None),
    (times.exif_time, ("2026:02:30 08:41:07",), None),
    (times.exif_time, ("    :  :     :  :  ",), None),
    (times.pdf_time, ("D:20261102084107+05'00'",), "2026-11-02T08:41:07+05:00"),
    (times.pdf_time, ("D:20261102084107Z00'00'",), "2026-11-02T08:41:07Z"),
    (times.pdf_time, ("D:2026",), "2026"),
    (times.pdf_time, ("D:202611",), "2026-11"),
    (times.pdf_time, ("20261102",), "2026-11-02"),
    (times.pdf_time, ("D:20261302",), None),
    (times.pdf_time, ("yesterday",), None),
    (times.iso_time, ("2026-11-02T08:41+0500",), "2026-11-02T08:41+05:00"),
    (times.iso_time, ("2026-11",), "2026-11"),
    (times.iso_time, ("2026-11-02T08:41:07.1234567Z",), "2026-11-02T08:41:07.1234567Z"),
    (times.iso_time, ("2026-11-02T25:41:07Z",), None),
    (times.iso_time, ("2026-11-02T08:41:07+23:00",), None),
    (times.mail_time, ("Mon, 02 Nov 2026 10:12:00 +0500",), "2026-11-02T10:12:00+05:00"),
    (times.mail_time, ("Mon, 02 Nov 2026 10:12:00 -0000",), "2026-11-02T10:12:00"),
    (times.mail_time, ("Mon, 99 Nov 2026 10:12:00 +0500",), None),
    (times.mail_time, ("",), None),
    (times.since_1904, (0,), None),
    (times.since_1904, (3_876_453_667,), "2026-11-02T08:41:07Z"),
    (times.since_1904, (2**63,), None),
    (times.since_1970, (1_793_608_867,), "2026-11-02T08:41:07Z"),
    (times.wall_time, (1980, 0, 0), None),
]


@pytest.mark.parametrize(("reader", "arguments", "told"), TIMES)
def test_times_are_told_as_precisely_as_they_are_written(
    reader: Any, arguments: tuple[Any, ...], told: str | None
) -> None:
    assert reader(*arguments) == told


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader_of_times(value: str) -> None:
    for reader in (times.exif_time, times.pdf_time, times.iso_time, times.mail_time):
        reader(value)


def test_findings_keep_their_names_and_record_failures_without_the_files_words() -> None:
    findings = Findings(("extracted.a", "extracted.b"))
    findings.put("a", "")
    assert findings.values() == {"extracted.a": None, "extracted.b": None}
    with pytest.raises(KeyError):
        findings.put("c", 1)
    with findings.attempt("part one"):
        raise ValueError("secret words of the file")
    with findings.attempt("part two"):
        raise ExtractError("too many pages")
    assert findings.failure() == "part one: unreadable (ValueError); part two: too many pages"
