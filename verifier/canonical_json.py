"""Canonical JSON (docs/spec/canonical-json.md, RFC 8785) for texts an attacker wrote.

The parser knows the canonical form only, so white space, needless escapes, fractions and doubled names have no second
reading to hide in; the result is then serialised again and compared, so that a slip of the parser cannot pass either.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from verifier.errors import VerifierError

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

MAX_INT = 2**53 - 1
# The deepest text of any format is a leaf or an opening: one list or object around a value of depth 8. More than 16 is
# refused while parsing, before Python's own stack is in danger; the exact limits are checked where they are stated.
MAX_NESTING = 16
# JSON values per text: one for each of 100,000 members of a bundle takes four; no honest text comes near, and without
# a limit 64 MiB of "{}," would grow to gigabytes of Python objects.
MAX_VALUES = 1_000_000

# Possessive throughout: a match is never taken back, so no text makes it slower than its length.
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]++|\\(?:["\\bfnrt]|u00[01][0-9a-f]))*+)"')
_ESCAPE = re.compile(r"\\(?:u....|.)")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,15}")
_AFTER_NUMBER = frozenset(",]}")
_SHORT_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPED = {char: "\\" + letter for letter, char in _SHORT_ESCAPES.items()}
_ESCAPED |= {chr(code): f"\\u{code:04x}" for code in range(0x20) if chr(code) not in _ESCAPED}
_MUST_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_UNESCAPED = {f"\\u{code:04x}": chr(code) for code in range(0x20)}
_UNESCAPED |= {"\\" + letter: char for letter, char in _SHORT_ESCAPES.items()}


class NotCanonical(VerifierError):
    """A text is not JSON in the one byte form that the formats allow."""


def parse(data: bytes) -> Json:
    """The value of a canonical JSON text.

    Raises NotCanonical for everything docs/spec/canonical-json.md refuses, for nesting deeper than MAX_NESTING and for
    more than MAX_VALUES values.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotCanonical(f"the text is not utf-8 at byte {error.start}") from None
    parser = _Parser(text)
    value = parser.value(0)
    if parser.at != len(text):
        raise NotCanonical(f"the value should end the text, but something follows at character {parser.at}")
    if dump(value) != data:
        raise NotCanonical("the text is not in canonical form")
    return value


def parse_object(data: bytes) -> dict[str, Json]:
    """The members of a canonical JSON text that must be an object; raises NotCanonical."""
    value = parse(data)
    if not isinstance(value, dict):
        raise NotCanonical(f"the text should be an object and is {kind_of(value)}")
    return value


def dump(value: Json) -> bytes:
    """The RFC 8785 form of a value, UTF-8."""
    out: list[str] = []
    _write(value, out)
    return "".join(out).encode("utf-8")


def depth(value: Json) -> int:
    """0 for a scalar; 1 more than the deepest member for a list or object (1 when empty)."""
    if isinstance(value, dict):
        return 1 + max((depth(member) for member in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(member) for member in value), default=0)
    return 0


def is_int(value: Json) -> bool:
    """Whether a value is an integer; true and false are not, although Python's bool is an int."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind_of(value: Json) -> str:
    """What a value is, in words for a message."""
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "a boolean", int: "an integer", str: "a string", list: "a list", dict: "an object"}
    return names[type(value)]


def _write(value: Json, out: list[str]) -> None:
    if isinstance(value, str):
        out.append(_quoted(value))
    elif isinstance(value, dict):
        out.append("{")
        for place, name in enumerate(sorted(value, key=_utf16)):
            out.append(("," if place else "") + _quoted(name) + ":")
            _write(value[name], out)
        out.append("}")
    elif isinstance(value, list):
        out.append("[")
        for place, member in enumerate(value):
            if place:
                out.append(",")
            _write(member, out)
        out.append("]")
    elif value is None:
        out.append("null")
    else:
        out.append(str(value).lower() if isinstance(value, bool) else str(value))


def _quoted(text: str) -> str:
    return '"' + _MUST_ESCAPE.sub(lambda match: _ESCAPED[match[0]], text) + '"'


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


class _Parser:
    """One pass over the text; every character is looked at a bounded number of times."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._values = 0

    def value(self, nesting: int) -> Json:
        self._values += 1
        if self._values > MAX_VALUES:
            raise NotCanonical(f"the text holds more than {MAX_VALUES} values")
        if nesting > MAX_NESTING:
            raise NotCanonical(f"the text is nested deeper than {MAX_NESTING}")
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(nesting)
            case "[":
                return self._list(nesting)
            case '"':
                return self._string()
            case "t":
                return self._word("true", True)
            case "f":
                return self._word("false", False)
            case "n":
                return self._word("null", None)
            case _:
                return self._number()

    def _object(self, nesting: int) -> dict[str, Json]:
        members: dict[str, Json] = {}
        self.at += 1
        if self._skip("}"):
            return members
        while True:
            if self.text[self.at : self.at + 1] != '"':
                raise self._wrong("a member's name")
            name = self._string()
            if name in members:
                raise NotCanonical(f"a member's name occurs twice before character {self.at}")
            self._expect(":")
            members[name] = self.value(nesting + 1)
            if self._skip("}"):
                return members
            self._expect(",")

    def _list(self, nesting: int) -> list[Json]:
        items: list[Json] = []
        self.at += 1
        if self._skip("]"):
            return items
        while True:
            items.append(self.value(nesting + 1))
            if self._skip("]"):
                return items
            self._expect(",")

    def _string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self._wrong("a string in the canonical form")
        self.at = match.end()
        raw: str = match[1]
        return _ESCAPE.sub(lambda escape: _UNESCAPED[escape[0]], raw) if "\\" in raw else raw

    def _word(self, word: str, value: Json) -> Json:
        if not self.text.startswith(word, self.at):
            raise self._wrong("a value")
        self.at += len(word)
        return value

    def _number(self) -> int:
        digits = _NUMBER.match(self.text, self.at)
        if digits is None:
            raise self._wrong("a value")
        self.at = digits.end()
        if self.at < len(self.text) and self.text[self.at] not in _AFTER_NUMBER:
            raise self._wrong("the end of an integer")
        number = int(digits[0])
        if abs(number) > MAX_INT:
            raise NotCanonical(f"the integer before character {self.at} is outside ±(2^53-1)")
        return number

    def _skip(self, char: str) -> bool:
        if self.text.startswith(char, self.at):
            self.at += 1
            return True
        return False

    def _expect(self, char: str) -> None:
        if not self._skip(char):
            raise self._wrong(repr(char))

    def _wrong(self, expected: str) -> NotCanonical:
        return NotCanonical(f"expected {expected} at character {self.at}")
