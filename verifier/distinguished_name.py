"""Names of certificates, compared as RFC 5280 §7.1 asks: case and runs of blanks in texts do not count.

Some authorities write their issuer's name with another string type in one place than in the other. Comparing bytes
would lose their tokens; comparing loosely gives an attacker nothing, for names select candidates and signatures decide.
"""

from __future__ import annotations

from typing import Final

from verifier.der import SET, DerError, Fields, Node

NameKey = tuple[object, ...]
"""What two names have in common when they are the same name; hashable, meant for nothing but comparing."""

_TEXTS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}


def name_key(name: Node) -> NameKey:
    """The comparing key of a Name (RFC 5280 §4.1.2.4). A name that is not read as such is equal only to its bytes."""
    try:
        return tuple(_rdn_key(rdn) for rdn in name.children())
    except (DerError, UnicodeDecodeError):
        return ("unread", name.raw)


def _rdn_key(rdn: Node) -> NameKey:
    return tuple(sorted(_attribute_key(attribute) for attribute in rdn.expect(SET, "a name").children()))


def _attribute_key(attribute: Node) -> tuple[bytes, str]:
    fields = Fields(attribute, "a name")
    kind = fields.take_any()
    value = fields.take_any()
    fields.end()
    encoding = _TEXTS.get(value.tag)
    if encoding is None:
        return kind.raw, value.raw.hex()
    return kind.raw, "text " + " ".join(value.content.decode(encoding).casefold().split())
