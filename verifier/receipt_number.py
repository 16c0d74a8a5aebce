"""Receipt numbers (docs/spec/entry.md, "Receipt number"): an index and the two check digits that protect it."""

from __future__ import annotations

import re

from verifier.errors import VerifierError

_NUMBER = re.compile(r"EL-([0-9]{10})-([0-9]{2})")
_MODULUS = 97
MAX_INDEX = 9_999_999_999


class BadNumber(VerifierError):
    """A receipt number is malformed or its check digits are wrong."""


def index_of(number: str) -> int:
    """The index a receipt number names; raises BadNumber.

    The check digits are recomputed and compared: the congruence alone would accept two values for some indexes.
    """
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise BadNumber("the receipt number should read EL-, ten digits, -, two digits")
    index = int(match[1])
    expected = check_digits(index)
    if match[2] != expected:
        raise BadNumber(f"the receipt number's check digits should be {expected} and are {match[2]}")
    return index


def check_digits(index: int) -> str:
    """The two digits of ISO 7064 MOD 97-10 over the ten digits of an index of 0 to MAX_INDEX."""
    return f"{_MODULUS + 1 - index * 100 % _MODULUS:02d}"


def number_of(index: int) -> str:
    """The receipt number of an index of 0 to MAX_INDEX."""
    return f"EL-{index:010d}-{check_digits(index)}"
