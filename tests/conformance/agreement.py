"""Two implementations written apart, asked the same: both accept, and mean the same, or both refuse.

The tests that use this state, at their end, where the two are known to differ and which side docs/spec takes; a
difference that is not listed fails.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from ledger.entry.leaf import format_time
from ledger.errors import LedgerError
from verifier.errors import VerifierError

T = TypeVar("T")
REFUSED = "refused"


def asked(ask: Callable[[], T]) -> T | str:
    """What one side says: a value, or that it refuses. Any other exception is a defect, and gets out."""
    try:
        return ask()
    except (LedgerError, VerifierError):
        return REFUSED


def agree(ledger: Callable[[], T], verifier: Callable[[], T]) -> bool:
    """Assert that both say the same; whether they accepted."""
    one, two = asked(ledger), asked(verifier)
    assert one == two
    return one != REFUSED


def bent(valid: st.SearchStrategy[str], pieces: Sequence[str]) -> st.SearchStrategy[str]:
    """Valid texts, and texts with a run cut out, a piece put in, or a character changed."""

    @st.composite
    def texts(draw: st.DrawFn) -> str:
        text = draw(valid)
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(text)))
            end = draw(st.integers(at, min(len(text), at + 3)))
            text = text[:at] + draw(st.sampled_from([*pieces, ""])) + text[end:]
        return text

    return texts()


def differ(refuses: Callable[[], object], accepts: Callable[[], object]) -> None:
    """Assert that one side refuses what the other takes."""
    assert asked(refuses) == REFUSED
    assert asked(accepts) != REFUSED


def decode_free(data: bytes) -> str:
    return base64.b64encode(data).decode()


TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('"\\/\b\t\n\f\r\x00\x1f\x7f\u2028é😀'))
)
INTEGERS = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.sampled_from([0, 2**53 - 1, 1 - 2**53]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
SMALL = [
    "",
    " ",
    "+",
    "-",
    "_",
    ".",
    "..",
    "0",
    "00",
    "９",
    "A",
    "é",
    "\n",
    "\r",
    "\t",
    "=",
    "==",
    "/",
    "\u200b",
    "\x00",
]
JSON_PIECES = [
    " ", "\n", "-0", "1.0", "1e2", "NaN", "Infinity", "9007199254740992", "-9007199254740992", "01", "+1", ",", ":",
    '"', "\\u0041", "\\u001F", "\\u001f", "\\/", "\\ud800", "\\n", "\\u000a", "[", "]", "{", "}", "{}", '"a":1,',
    "null", "tru", "\ufeff", "\x7f", "\x00", "é", "\u0301", "\uffff", "😀", "１",
]  # fmt: skip


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9_]{1,8}){0,3}", fullmatch=True)
TIMES = st.integers(-62_135_596_800_000, 253_402_300_799_999).map(format_time)
