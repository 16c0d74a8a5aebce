"""Header fields of messages (RFC 5322, RFC 2047), read so that hostile ones cost no more than honest ones."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Final, TypeAlias

from ledger.extract.times import mail_time
from ledger.extract.values import text

HEADER_CHARACTERS: Final = 16_384
"""Characters of one header field that are read. Python's decoders are slow on endless ones."""

HEADERS_BYTES: Final = 1024 * 1024
"""Bytes of all header fields of a message; a mailing list's have some tens of KiB."""

RECEIVED_MAX: Final = 100
"""Received fields that are read; RFC 5321 §6.3 calls 100 hops a loop."""

_FOLD: Final = re.compile(r"[ \t]*\r?\n[ \t]*")
_ADDRESS_BRACKET: Final = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]")
_CLAUSE: Final = re.compile(r"\b(from|by|via|with|id|for)\s+", re.IGNORECASE)

Compat32: TypeAlias = "Message[str, str]"


def field(message: Compat32, name: str) -> str | None:
    """The first field of a name, unfolded and decoded; None where there is none."""
    values = fields(message, name)
    return values[0] if values else None


def fields(message: Compat32, name: str) -> list[str]:
    """Every field of a name, unfolded and decoded, in the message's order."""
    return [value for raw in _values(message, name, 1_000) if (value := decode(raw))]


def raw_fields(message: Compat32, name: str, limit: int = 1_000) -> list[str]:
    """Every field of a name, unfolded only."""
    return [_FOLD.sub(" ", raw[:HEADER_CHARACTERS]).strip() for raw in _values(message, name, limit)]


def _values(message: Compat32, name: str, limit: int) -> list[str]:
    """Every field of a name as it stands: `get_all` would replace bytes beyond ASCII."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name.lower()][:limit]


def decode(raw: str) -> str:
    """A field's text: unfolded, encoded words decoded (RFC 2047); what cannot be decoded stays as it is."""
    unfolded = _FOLD.sub(" ", raw[:HEADER_CHARACTERS]).strip()
    # Bytes beyond ASCII, which old programs write and new ones may (RFC 6532), come as surrogates.
    plain = unfolded.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" not in plain:
        return text(plain)
    try:
        pieces = decode_header(plain)
    except (HeaderParseError, ValueError):
        return text(plain)
    return text("".join(_piece(data, charset) for data, charset in pieces).strip()) or text(plain)


def _piece(data: bytes | str, charset: str | None) -> str:
    if isinstance(data, str):
        return data
    try:
        return data.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or one that is no charset of text
        return data.decode("latin-1")


def addresses(message: Compat32, name: str, limit: int = 500) -> list[dict[str, object]]:
    """The mailboxes of an address field: name as shown, address as written."""
    found = getaddresses(raw_fields(message, name))
    return [
        {"name": decode(shown) or None, "address": text(address, 400)} for shown, address in found[:limit] if address
    ]


def received_path(message: Compat32) -> list[dict[str, object]]:
    """The Received fields, as they stand: the newest hop first. All but the topmost may be forged by the sender."""
    return [received_hop(value) for value in raw_fields(message, "Received", RECEIVED_MAX)]


def received_hop(value: str) -> dict[str, object]:
    """One hop (RFC 5321 §4.4): its clauses, the IP addresses in brackets, the time after the semicolon."""
    clauses, _, moment = value.rpartition(";")
    outside = re.sub(r"\([^()]*\)", " ", clauses or value)
    found: dict[str, object] = dict.fromkeys(("from", "by", "via", "with", "id", "for"))
    marks = list(_CLAUSE.finditer(outside))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        name = mark[1].lower()
        told = outside[mark.end() : following.start() if following else len(outside)].strip()
        if found[name] is None and told:
            found[name] = text(told, 400)
    found["addresses"] = _ADDRESS_BRACKET.findall(clauses or value)[:10]
    found["at"] = mail_time(moment.strip())
    return found
