"""Content-Disposition in both directions: the name a file is offered under, and the name it came under.

Out: RFC 6266 with RFC 8187 for names beyond ASCII. In: RFC 7578, as browsers and HTTP libraries write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from ledger.errors import MalformedError

# RFC 8187 attr-char besides letters and digits, which quote() leaves alone anyway.
_ATTR_CHARS: Final = "!#$&+-.^_`|~"
_NOT_PLAIN: Final = re.compile(r"[^ !#-\[\]-~]")

_QUOTED: Final = r'"(?:[^"\\\r\n]|\\.)*"'
_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*({_WORD})=({_QUOTED}|{_WORD})")
_EXTENDED: Final = re.compile(r"(?i:utf-8)'[A-Za-z0-9-]*'((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)")
_ESCAPE: Final = re.compile(r'\\(["\\])')
_PERCENT: Final = re.compile(r"%(22|0[aAdD])")


@dataclass(frozen=True, slots=True)
class PartName:
    """How a part of a form is called, and the name of the file it brings, if it says one."""

    name: str
    file_name: str | None


def format_attachment(file_name: str) -> str:
    """A header value that makes browsers save, never show. `file_name` is any text."""
    plain = _NOT_PLAIN.sub("_", file_name).replace("%", "_") or "file"
    value = f'attachment; filename="{plain}"'
    if plain != file_name:
        # A lone surrogate has no UTF-8; names that were anchored have none.
        value += f"; filename*=UTF-8''{quote(file_name.encode('utf-8', 'replace'), safe=_ATTR_CHARS)}"
    return value


def parse_part(header: str) -> PartName:
    """What a part's Content-Disposition says (RFC 7578 §4.2). Raises MalformedError.

    Nothing is corrected: a path in a file's name stays one, and is refused where names are checked.
    """
    kind, _, _ = header.partition(";")
    parameters: dict[str, str] = {}
    position = len(kind)
    while position < len(header.rstrip(" \t")):
        match = _PARAMETER.match(header, position)
        if match is None:
            raise MalformedError('read a part\'s Content-Disposition: expected name="…" parameters', "multipart")
        name = match[1].lower()
        if name in parameters:
            raise MalformedError(f"read a part's Content-Disposition: {name} stands twice", "multipart")
        parameters[name] = _unquote(match[2])
        position = match.end()
    if kind.strip(" \t").lower() != "form-data" or "name" not in parameters:
        raise MalformedError("read a part's Content-Disposition: expected form-data with a name", "multipart")
    return PartName(parameters["name"], _file_name(parameters))


def _file_name(parameters: dict[str, str]) -> str | None:
    extended = parameters.get("filename*")
    if extended is None:
        return parameters.get("filename")
    match = _EXTENDED.fullmatch(extended)
    if match is None:
        raise MalformedError("read a file's name: expected filename*=UTF-8''… (RFC 8187)", "file.name")
    try:
        return unquote_to_bytes(match[1]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("read a file's name: expected utf-8 in filename*", "file.name") from error


def _unquote(value: str) -> str:
    """Browsers write %22 for a quote, older programs a backslash before it; only these are undone."""
    if not value.startswith('"'):
        return value
    return _PERCENT.sub(lambda match: chr(int(match[1], 16)), _ESCAPE.sub(r"\1", value[1:-1]))
