"""Media types of files that are text: markup, mail, JSON, PEM, plain text."""

import json
import re
from typing import Final

# WHATWG MIME Sniffing §7.1: these, followed by a blank or ">", begin an HTML document. So do pages in old charsets,
# which is why markup is looked for in bytes, before the text is demanded to be UTF-8.
_HTML: Final = re.compile(
    rb"<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[ \t\r\n\f>]",
    re.IGNORECASE,
)
_BLANKS: Final = b" \t\r\n\f"
_ROOT_ELEMENT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,63}:)?([A-Za-z_][\w.-]{0,63})[\s/>]")
_XML_ROOTS: Final = {b"svg": "image/svg+xml", b"html": "application/xhtml+xml"}

# RFC 5322 §2.2. A message has an author's line, and one of those that no letter to a person begins with.
_HEADER_LINE: Final = re.compile(rb"([!-9;-~]{1,76}):[ \t]?[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n")
_HEADERS_READ: Final = 200
_AUTHOR_HEADERS: Final = frozenset({b"from", b"sender", b"return-path"})
_MAIL_HEADERS: Final = frozenset({b"received", b"message-id", b"mime-version", b"delivered-to", b"date"})
_MAILBOX: Final = re.compile(rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [^\r\n]{10,60}\r?\n")

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_PEM_TYPES: Final = {
    b"CERTIFICATE": "application/pem-certificate-chain",
    b"PGP MESSAGE": "application/pgp-encrypted",
    b"PGP SIGNATURE": "application/pgp-signature",
    b"PGP PUBLIC KEY BLOCK": "application/pgp-keys",
}
_PREFIXES: Final = (
    (b"BEGIN:VCARD", "text/vcard"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
)
_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
# Controls that occur in text files: tab, line feed, form feed, carriage return, escape (terminal colours in logs).
_NOT_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
# How a JSON text begins, when the rest of it is not at hand.
_JSON_START: Final = re.compile(r'\s*(?:\{\s*"(?:[^"\\]|\\.)*"\s*:|\{\s*\}|\[\s*(?:[\[\{"\]\d-]|true|false|null))')


def by_text(head: bytes, whole: bool) -> str | None:
    """The media type of a text that begins with `head` (`whole`: is all of it); None when it is not text."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS)
    if head.startswith(_BYTE_ORDER_MARKS) and len(head) % 2 == 0:
        return "text/plain"
    if b"\x00" in head:
        return None
    return _markup(start) or _mail(head) or _labelled(start) or _plain(head, whole)


def _markup(start: bytes) -> str | None:
    if start.startswith((b"<?xml", b"<svg")):
        return _XML_ROOTS.get(_root_element(start), "application/xml")
    return "text/html" if _HTML.match(start) else None


def _root_element(start: bytes) -> bytes:
    """The first element's local name, past declarations and comments; empty when it is not found."""
    position = 0
    while (position := start.find(b"<", position)) >= 0:
        if start.startswith(b"<!--", position):
            position = start.find(b"-->", position)
        elif start.startswith((b"<?", b"<!"), position):
            position = start.find(b">", position)
        else:
            found = _ROOT_ELEMENT.match(start, position)
            return found[1] if found else b""
        if position < 0:
            break
    return b""


def _mail(head: bytes) -> str | None:
    if _MAILBOX.match(head):
        return "application/mbox"
    names: set[bytes] = set()
    position = 0
    for _ in range(_HEADERS_READ):
        line = _HEADER_LINE.match(head, position)
        if line is None:
            break
        names.add(line[1].lower())
        position = line.end()
    if not (names & _AUTHOR_HEADERS and names & _MAIL_HEADERS):
        return None
    return "multipart/related" if b"snapshot-content-location" in names else "message/rfc822"


def _labelled(start: bytes) -> str | None:
    pem = _PEM.match(start)
    if pem:
        return _PEM_TYPES.get(pem[1], "application/x-pem-file")
    return next((media_type for prefix, media_type in _PREFIXES if start.startswith(prefix)), None)


def _plain(head: bytes, whole: bool) -> str | None:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end in the middle of a character, nothing else.
        if whole or error.reason != "unexpected end of data":
            return None
        text = head[: error.start].decode("utf-8")
    if _NOT_IN_TEXT.search(text):
        return None
    return "application/json" if _is_json(text.removeprefix("\ufeff"), whole) else "text/plain"


def _is_json(text: str, whole: bool) -> bool:
    """Of a text whose rest is not at hand: it begins as JSON does, and no complete value ends before the rest."""
    if not _JSON_START.match(text):
        return False
    try:
        _, end = json.JSONDecoder(parse_int=str).raw_decode(text.lstrip())
    except RecursionError:
        return False  # nested to break readers: to us it is text
    except ValueError:
        return not whole
    return whole and not text.lstrip()[end:].strip()
