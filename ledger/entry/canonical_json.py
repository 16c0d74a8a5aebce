"""JSON with exactly one text for each value: RFC 8785 (JCS) without fractions.

Numbers are integers within ±(2^53 − 1): beyond it two JSON readers disagree on the value. Strings are valid Unicode.
Keys are ordered by their UTF-16 code units (RFC 8785 §3.2.3).

`parse` takes only canonical bytes, `parse_strict` takes a client's JSON: any order and whitespace, but one meaning
only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias, cast

import orjson
import rfc8785

from ledger.errors import LimitError, MalformedError

Value: TypeAlias = "bool | int | str | Sequence[Value] | Mapping[str, Value] | None"
"""A JSON value. At run time: list or tuple for a sequence, dict for a mapping; bytes are refused."""

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 8785 §3.2.2.3, I-JSON)."""

DEPTH_MAX: Final = 64
"""Deepest nesting of any JSON text here: far above every format's, far below what exhausts Python's stack."""

_INTEGER_DIGITS_MAX: Final = 17
"""Characters of the longest integer within the range, with its sign; longer ones are refused before they are
computed.
"""

_TOKENS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_LAST_BELOW_SURROGATES: Final = "\ud7ff"
_PLAIN: Final = frozenset({str, int, bool, type(None), list, tuple, dict})
"""Types that orjson is trusted with: of their subclasses it knows some, and takes types that no format here has."""


def serialise(value: Value, *, where: str | None = None, max_depth: int = DEPTH_MAX) -> bytes:
    """The canonical UTF-8 bytes of a value (RFC 8785).

    Raises MalformedError for what has none here (a float, an integer out of range, a lone surrogate, a key that is no
    string, another type), LimitError for nesting deeper than `max_depth`.
    """
    if type(value) is str and value.isascii():
        return orjson.dumps(value)  # most values of most fields: nothing in them can be refused
    if _check(value, where, max_depth, max_depth):
        return rfc8785.dumps(cast("dict[str, Any]", value))
    # Equal to rfc8785's bytes for all that is left (a property of the tests): keys whose order by code point is the
    # order by UTF-16 units, strings, integers within ±(2^53 - 1), true, false, null.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def serialise_plain(value: Value) -> bytes:
    """`serialise` of a value that consists of what `parse_strict` read out of texts for which `is_plain` holds: nothing
    can be refused any more, and the order of keys is that of their bytes.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def is_plain(text: bytes) -> bool:
    """Whether all strings of a JSON text are ASCII."""
    return text.isascii() and b"\\u" not in text


def parse(data: bytes, *, where: str, max_depth: int = DEPTH_MAX) -> Value:
    """The value of canonical bytes. Raises MalformedError unless `serialise(parse(data)) == data`; LimitError if too
    deep.
    """
    value = parse_strict(data, where=where, max_depth=max_depth)
    again = serialise(value, where=where, max_depth=max_depth)
    if again != data:
        at = next((i for i, (a, b) in enumerate(zip(again, data, strict=False)) if a != b), min(len(again), len(data)))
        raise MalformedError(
            f"parse canonical json: expected {again[at : at + 24]!r} at byte {at}, got other bytes", where
        )
    return value


def parse_own(data: bytes) -> Value:
    """The value of bytes that `serialise` gave in this process a moment ago: nothing is checked again."""
    return cast("Value", orjson.loads(data))


def parse_strict(data: bytes, *, where: str, max_depth: int = DEPTH_MAX) -> Value:
    """The value of a client's JSON text; key order and whitespace are free.

    Raises MalformedError for bad UTF-8, bad syntax, a doubled key, NaN or Infinity, a fraction or exponent, an integer
    beyond ±(2^53 − 1), a lone surrogate; LimitError for nesting deeper than `max_depth`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"parse json: expected utf-8, got {error.reason} at byte {error.start}", where) from error
    _check_text_depth(text, where, max_depth)
    try:
        value = cast("Value", _decode(text))
    except _RefusedError as error:
        raise MalformedError(f"parse json: {error}", where) from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"parse json: {error.msg.lower()} at character {error.pos}", where) from error
    if "\\u" in text:
        # Only an escape can bring a surrogate in: the bytes themselves were valid UTF-8.
        _check(value, where, max_depth, max_depth)
    return value


def escape_json(canonical: bytes) -> bytes:
    """Canonical JSON as the inside of a canonical JSON string: it holds no control characters, so that quotes and
    backslashes are all there is to escape (RFC 8785 §3.2.2.2).
    """
    return canonical.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def depth(value: Value) -> int:
    """How deep a value is nested: 0 for a scalar, else 1 + its deepest member. Without recursion."""
    deepest = 0
    waiting: list[tuple[Value, int]] = [(value, 0)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, dict):
            waiting.extend((member, level + 1) for member in item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend((member, level + 1) for member in item)
        else:
            deepest = max(deepest, level)
            continue
        deepest = max(deepest, level + 1)
    return deepest


def _check(value: Value, where: str | None, allowed: int, max_depth: int) -> bool:
    """Refuse what has no canonical bytes; return whether a value must go the slow way.

    Python sorts strings by code point. That is the order of UTF-16 code units too, unless characters above the
    surrogates (U+E000 to U+FFFF) meet astral ones, whose units are surrogates: such keys go the slow way, and so do
    subclasses of the types of JSON.
    """
    unusual = type(value) not in _PLAIN
    if isinstance(value, str):
        if not value.isascii():
            _check_unicode(value, where)
        return unusual
    if value is None or value is True or value is False:
        return False
    if isinstance(value, int):
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise MalformedError("serialise an integer: expected one within ±(2^53 - 1)", where)
        return unusual
    if not isinstance(value, (list, tuple, dict)):
        raise MalformedError(
            f"serialise a value: expected a json type without fractions, got {type(value).__name__}", where
        )
    if allowed == 0:
        raise LimitError(f"nesting: expected at most {max_depth} levels", where, max_depth, max_depth + 1)
    members: Iterable[Any] = value
    if isinstance(value, dict):
        members = value.values()
        for key in value:
            if type(key) is not str or not key.isascii():
                unusual = _check_key(key, where) or unusual
    for member in members:
        kind = type(member)  # what nothing can be wrong with is passed over here: the call costs more than the look
        if not (
            (kind is str and member.isascii())
            or kind is bool
            or member is None
            or (kind is int and -INTEGER_MAX <= member <= INTEGER_MAX)
        ):
            unusual = _check(member, where, allowed - 1, max_depth) or unusual
    return unusual


def _check_key(key: object, where: str | None) -> bool:
    """As `_check`, of a key that is not plain ASCII."""
    if not isinstance(key, str):
        raise MalformedError(f"serialise a key: expected a string, got {type(key).__name__}", where)
    _check_unicode(key, where)
    return type(key) is not str or max(key, default="") > _LAST_BELOW_SURROGATES


def _check_unicode(text: str, where: str | None) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError(
            f"expected valid unicode, got a lone surrogate at character {error.start}", where
        ) from error


def _check_text_depth(text: str, where: str, max_depth: int) -> None:
    """Refuse a text that nests too deep before any recursive reader sees it."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    level = 0
    for token in _TOKENS.finditer(text):
        first = token.group()[0]
        if first in "[{":
            level += 1
            if level > max_depth:
                raise LimitError(f"nesting: expected at most {max_depth} levels", where, max_depth, level)
        elif first != '"':
            level -= 1


class _RefusedError(Exception):
    """Raised inside the decoder's hooks, where no place is known; turned into MalformedError at once."""


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise _RefusedError(f"the key {twice[:80]!r} stands twice")
    return members


def _read_integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS_MAX or abs(int(text)) > INTEGER_MAX:
        raise _RefusedError(f"expected an integer within ±(2^53 - 1), got {text[:40]}")
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    raise _RefusedError(f"expected an integer, got {text[:40]}")


_decode: Final = json.JSONDecoder(
    object_pairs_hook=_read_object, parse_int=_read_integer, parse_float=_refuse_number, parse_constant=_refuse_number
).decode
