"""The worker's answer, read as if the evidence itself had written it.

A parser that was taken over writes what it likes. So nothing is believed but the shape: a known format, exactly that
format's names, values that can be committed.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from ledger.extract.errors import ExtractError
from ledger.extract.fields import PREFIX
from ledger.extract.formats import FORMATS
from ledger.extract.values import INTEGER_MAX, VALUE_BYTES, Json, committable, size

ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a worker's answer: some sixty fields of at most 64 KiB, of which few are ever large."""

_TEXTS: Final = tuple(PREFIX + name for name in ("format", "extractor", "extractor_version"))
_INTEGER_DIGITS: Final = len(str(INTEGER_MAX)) + 1


def parse_answer(data: bytes) -> dict[str, Json]:
    """Every field of the file by full name. Raises ExtractError for an answer that is not exactly one format's."""
    try:
        found = json.loads(
            data, parse_float=_refuse, parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_members
        )
    except (ValueError, RecursionError) as error:
        raise ExtractError("the reader's answer is malformed") from error
    if not isinstance(found, dict):
        raise ExtractError("the reader's answer is malformed")
    chosen = FORMATS.get(str(found.get(PREFIX + "format")))
    if chosen is None or tuple(sorted(found)) != chosen.names:
        raise ExtractError("the reader's answer has other names than its format")
    failure = found[PREFIX + "failure"]
    if not (all(isinstance(found[name], str) for name in _TEXTS) and isinstance(failure, str | None)):
        raise ExtractError("the reader's answer is malformed")
    if any(committable(value) != value or size(value) > VALUE_BYTES for value in found.values()):
        raise ExtractError("the reader's answer holds what cannot be committed")
    return found


def _refuse(_text: str) -> NoReturn:
    raise ValueError("no fractions")


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS:
        raise ValueError("out of range")
    return int(digits)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members
