"""E-mail messages (RFC 5322): who, when, over which servers, signed by which domain, with which attachments."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.mail_headers import (
    HEADERS_BYTES,
    Compat32,
    addresses,
    decode,
    field,
    fields,
    raw_fields,
    received_path,
)
from ledger.extract.source import Source
from ledger.extract.times import mail_time
from ledger.extract.values import listing, text

MEDIA_TYPES: Final = ("message/rfc822",)
VERSION: Final = 1
LIBRARIES: Final = ("cryptography",)
FIELDS: Final = (
    Field("sent_at", "when it was sent, as the sender's computer says", "Date"),
    Field("received_at", "when the last server took it", "topmost Received"),
    Field("author", "the author's line", "From"),
    Field("subject", "subject", "Subject"),
    Field("from", "authors: names and addresses", "From"),
    Field("sender", "who sent it for the author", "Sender"),
    Field("to", "recipients", "To"),
    Field("cc", "copies", "Cc"),
    Field("bcc", "blind copies; stands in the sender's own copy only", "Bcc"),
    Field("reply_to", "where answers go", "Reply-To"),
    Field("delivered_to", "mailboxes it was delivered to", "Delivered-To, X-Original-To"),
    Field("return_path", "where failures go", "Return-Path"),
    Field("message_id", "the message's identifier", "Message-ID"),
    Field("in_reply_to", "the message it answers", "In-Reply-To"),
    Field("references", "the conversation before it", "References"),
    Field("mailer", "the program that wrote it", "X-Mailer, User-Agent"),
    Field("originating_ip", "the sender's address, where a server noted it", "X-Originating-IP"),
    Field("received", "the path over servers, newest hop first; the older ones can be forged", "Received"),
    Field("authentication_results", "what the receiving server found: SPF, DKIM, DMARC", "Authentication-Results"),
    Field(
        "dkim",
        "each domain signature: over what, whether the body matches, verified under a given key",
        "DKIM-Signature",
    ),
    Field("arc_sets", "sets of the chain of forwarders' statements; not checked", "ARC-Seal"),
    Field("list_id", "the mailing list", "List-Id"),
    Field("resent_at", "when it was forwarded as it was", "Resent-Date"),
    Field("header_names", "all header fields in order", "the header"),
    Field("bodies", "the message's texts: kind, size, SHA-256 after decoding", "MIME"),
    Field("attachments", "each: name, kind, size, SHA-256 after decoding", "MIME"),
    Field("encrypted_or_signed", "S/MIME or OpenPGP by kind; not checked", "Content-Type"),
)
NAMES: Final = names_of(FIELDS)

MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a message that is taken apart; of a larger one the header alone is read. Servers pass 25 to 50 MB."""

PARTS_MAX: Final = 2_000
"""Parts of a message."""

_TEXTS: Final = {"subject": "Subject", "message_id": "Message-ID", "in_reply_to": "In-Reply-To",
                 "references": "References", "return_path": "Return-Path", "list_id": "List-Id",
                 "author": "From"}  # fmt: skip
_ADDRESSES: Final = {"from": "From", "sender": "Sender", "to": "To", "cc": "Cc", "bcc": "Bcc", "reply_to": "Reply-To"}
_PROTECTED: Final = {
    "application/pkcs7-mime": "S/MIME",
    "application/x-pkcs7-mime": "S/MIME",
    "multipart/signed": "signed",
    "multipart/encrypted": "encrypted",
}


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    # The header by itself first: parts nested to break the parser cost only the parts.
    head: Compat32 = BytesHeaderParser(policy=email.policy.compat32).parsebytes(source.at(0, HEADERS_BYTES))
    read_headers(head, findings)
    if source.size > MESSAGE_BYTES:
        raise ExtractError(f"larger than {MESSAGE_BYTES} bytes: the header alone was read")
    raw = source.whole(MESSAGE_BYTES)
    with findings.attempt("dkim"):
        from ledger.extract.dkim import check_signatures

        findings.put("dkim", listing(check_signatures(raw, source.dkim_keys)))
    with findings.attempt("parts"):
        _read_parts(email.message_from_bytes(raw, policy=email.policy.compat32), raw, findings)


def read_headers(message: Compat32, findings: Findings) -> None:
    """Fill what stands in the header."""
    for name, header in _TEXTS.items():
        with findings.attempt(header):
            findings.put(name, field(message, header))
    for name, header in _ADDRESSES.items():
        with findings.attempt(header):
            findings.put(name, addresses(message, header) or None)
    with findings.attempt("header"):
        findings.put("sent_at", mail_time(field(message, "Date")))
        findings.put("resent_at", mail_time(field(message, "Resent-Date")))
        findings.put("delivered_to", [*fields(message, "Delivered-To"), *fields(message, "X-Original-To")] or None)
        findings.put("mailer", field(message, "X-Mailer") or field(message, "User-Agent"))
        findings.put("originating_ip", field(message, "X-Originating-IP"))
        findings.put("arc_sets", len(message.get_all("ARC-Seal", [])))
        findings.put("authentication_results", listing(map(text, raw_fields(message, "Authentication-Results", 50))))
        findings.put("header_names", listing(text(name, 100) for name in list(message.keys())[:2_000]))
    with findings.attempt("received"):
        path = received_path(message)
        findings.put("received", listing(path))
        findings.put("received_at", path[0]["at"] if path else None)


def _read_parts(message: Compat32, raw: bytes, findings: Findings) -> None:
    bodies, attachments, protected = [], [], set()
    for part in leaves(message):
        kind = part.get_content_type()
        protected |= {_PROTECTED[kind]} if kind in _PROTECTED else set()
        name = part.get_filename()
        described = {"media_type": text(kind, 200), **_content(part, raw)}
        if name is None and kind.startswith("text/") and part.get_content_disposition() != "attachment":
            bodies.append({**described, "charset": text(str(part.get_content_charset() or ""), 40) or None})
        elif not kind.startswith("multipart/"):
            identity = part.get("Content-ID")
            attachments.append({"name": decode(str(name)) if name else None, **described,
                                "disposition": part.get_content_disposition(),
                                "content_id": text(str(identity), 400) if identity else None})  # fmt: skip
    findings.put("bodies", listing(bodies))
    findings.put("attachments", listing(attachments))
    findings.put("encrypted_or_signed", sorted(protected) or None)


def leaves(message: Compat32) -> Iterator[Compat32]:
    """Every part that is not made of parts, and the containers among them for their kind; attached messages whole."""
    waiting = [message]
    for _ in range(PARTS_MAX):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() == "multipart":
            waiting += [each for each in reversed(payload) if isinstance(each, email.message.Message)]
    raise ExtractError(f"more than {PARTS_MAX} parts")


def _content(part: Compat32, raw: bytes) -> dict[str, object]:
    """Size and SHA-256 of what a reader would save: decoded content, or an attached message's own bytes."""
    payload = part.get_payload()
    if isinstance(payload, list) and part.get_content_maintype() == "message" and payload:
        inner = payload[0]
        data = _own_bytes(inner, raw) if isinstance(inner, email.message.Message) else None
    else:
        decoded = part.get_payload(decode=True)
        data = decoded if isinstance(decoded, bytes) else b""
    return {
        "bytes": len(data) if data is not None else None,
        "sha256": hashlib.sha256(data).hexdigest() if data is not None else None,
    }


def _own_bytes(inner: Compat32, raw: bytes) -> bytes | None:
    """An attached message, as it stands in the outer one. Written anew it may differ by a blank, and then its digest
    would be of nothing that anybody has: None.
    """
    for line_end in ("\r\n", "\n"):
        written = inner.as_bytes(policy=email.policy.compat32.clone(linesep=line_end, max_line_length=None))
        if written in raw:
            return written
    return None
