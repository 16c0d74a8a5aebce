"""DKIM signatures (RFC 6376, RFC 8463) checked offline, under keys that came with the evidence.

Whether the key was the domain's at that time, DNS alone could tell, and DNS is not asked: the process has no network,
and the answer of today says little about then. So "verified" means: this message, under the key that its submitter
gave. Without a key it still shows whether the body is the one that was signed (`bh`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from ledger.extract.times import since_1970
from ledger.extract.values import text

SIGNATURES_MAX: Final = 20
"""Signatures of one message that are checked; each hashes the whole body."""

RSA_BITS_MIN: Final = 1_024
"""RFC 8301 §3.2: shorter keys must not be believed."""

_TAG: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_B_VALUE: Final = re.compile(rb"([;:\s]b[ \t\r\n]*=)[^;]*")
_NAME: Final = re.compile(rb"[!-9;-~]+[ \t]*")  # RFC 5322 §2.2; blanks before the colon are obsolete, yet sent
_BLANKS: Final = re.compile(rb"[ \t]+")
_ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")
_BASE64_BLANKS: Final = re.compile(r"\s+")

Headers = list[tuple[bytes, bytes]]


class _Unsound(Exception):
    """Why a signature fails, or cannot be checked."""


class _Body:
    """A message's body, canonicalized once for each method, however many signatures there are."""

    def __init__(self, content: bytes) -> None:
        self.bytes = len(content)
        self._content = content
        self._canonical: dict[str, bytes] = {}

    def digest(self, tags: Mapping[str, str]) -> bytes:
        """The body hash (§3.4.3, §3.4.4, and `l` of §3.5)."""
        method = _methods(tags)[1]
        if method not in self._canonical:
            self._canonical[method] = _canonical_body(self._content, method)
        body = self._canonical[method]
        if "l" not in tags:
            return hashlib.sha256(body).digest()
        length = _seconds(tags["l"])
        if length > len(body):
            raise _Unsound("more bytes are signed than there are")
        return hashlib.sha256(memoryview(body)[:length]).digest()


def _canonical_body(body: bytes, method: str) -> bytes:
    if method == "relaxed":
        body = b"\r\n".join(_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    end = len(body)
    while body[max(end - 2, 0) : end] == b"\r\n":
        end -= 2
    return body[:end] + b"\r\n" if end or method == "simple" else b""


def check_signatures(raw: bytes, keys: Mapping[str, str]) -> list[dict[str, object]]:
    """One result for each DKIM-Signature field of a message, in order.

    raw  -- the message's bytes; bare line feeds count as CRLF, as mail programs save them
    keys -- DNS name (`selector._domainkey.domain`, lower case) to TXT record
    """
    headers, content = split_message(re.sub(rb"\r?\n", b"\r\n", raw))
    body = _Body(content)
    own = [index for index, (name, _) in enumerate(headers) if name.strip().lower() == b"dkim-signature"]
    return [_check(headers, index, body, keys) for index in own[:SIGNATURES_MAX]]


def split_message(raw: bytes) -> tuple[Headers, bytes]:
    """Header fields as (name, value with its line ends) and the body; lines end with CRLF."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if raw.startswith(b"\r\n"):
        head, body = b"", raw[2:]
    headers: Headers = []
    for line in head.split(b"\r\n") if head else ():
        if line[:1] in (b" ", b"\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, value + line + b"\r\n")
        else:
            name, colon, value = line.partition(b":")
            headers.append((name if colon else b"", value + b"\r\n"))  # no field: `_demand_header` refuses it
    return headers, body


def _check(headers: Headers, index: int, body: _Body, keys: Mapping[str, str]) -> dict[str, object]:
    tags = parse_tags(headers[index][1].decode("utf-8", "replace"))
    domain, selector = tags.get("d", "").lower(), tags.get("s", "").lower()
    record = keys.get(f"{selector}._domainkey.{domain}")
    result: dict[str, object] = {
        "domain": text(domain, 255),
        "selector": text(selector, 255),
        "algorithm": text(tags.get("a", ""), 40),
        "canonicalization": text(tags.get("c", "simple/simple"), 40),
        "signed_headers": [text(name.strip().lower(), 80) for name in tags.get("h", "").split(":")][:100],
        "signed_at": since_1970(_seconds(tags.get("t"))),
        "expires_at": since_1970(_seconds(tags.get("x"))),
        "unsigned_body_bytes": max(body.bytes - _seconds(tags["l"]), 0) if "l" in tags else 0,
        "body_hash": None,
        "key_given": record is not None,
        "outcome": "not checked",
        "reason": None,
    }
    try:
        _demand_form(tags)
        _demand_header(headers)
        same = body.digest(tags) == _unpack(tags.get("bh", ""))
        result["body_hash"] = "matches" if same else "differs"
        if not same:
            result["outcome"] = "failed"
            raise _Unsound("the body is not the one that was signed")
        if record is None:
            raise _Unsound("no key was given")
        result["outcome"] = "failed"  # unless what follows raises nothing
        _verify(_signed_bytes(headers, index, tags), tags, parse_tags(record))
        result["outcome"] = "verified"
    except _Unsound as unsound:
        result["reason"] = str(unsound)
    return result


def parse_tags(value: str) -> dict[str, str]:
    """A tag list (§3.2). A tag that stands twice makes the list void; so does one that is no tag."""
    tags: dict[str, str] = {}
    for part in value.strip().rstrip(";").split(";"):
        found = _TAG.fullmatch(part)
        if found is None or found[1] in tags:
            return {}
        tags[found[1]] = re.sub(r"\r\n[ \t]+", " ", found[2]).strip()
    return tags


def _seconds(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= 15 else 0


def _demand_form(tags: Mapping[str, str]) -> None:
    """§6.1.1: what a signature must have before anything is computed."""
    if tags.get("v") != "1" or not all(tags.get(name) for name in ("a", "b", "bh", "d", "h", "s")):
        raise _Unsound("the signature is malformed")
    if tags["a"] not in _ALGORITHMS:
        raise _Unsound("an algorithm that is no longer believed, or not known")
    if "from" not in [name.strip().lower() for name in tags["h"].split(":")]:
        raise _Unsound("the author's field is not signed")
    identity = tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower()
    if identity != tags["d"].lower() and not identity.endswith("." + tags["d"].lower()):
        raise _Unsound("the identity is not of the signing domain")


def _demand_header(headers: Headers) -> None:
    """What programs would show otherwise than it was signed: a line that is no field ends the header for some of them,
    and of two authors' fields (RFC 6376 §8.15) one may be shown and the other signed.
    """
    if not all(_NAME.fullmatch(name) for name, _ in headers):
        raise _Unsound("the header is malformed")
    if sum(name.strip().lower() == b"from" for name, _ in headers) != 1:
        raise _Unsound("there is not exactly one author's field")


def _methods(tags: Mapping[str, str]) -> tuple[str, str]:
    header, _, body = tags.get("c", "simple/simple").partition("/")
    if header not in ("simple", "relaxed") or (body or "simple") not in ("simple", "relaxed"):
        raise _Unsound("an unknown canonicalization")
    return header, body or "simple"


def _signed_bytes(headers: Headers, index: int, tags: Mapping[str, str]) -> bytes:
    """§3.7: the named fields, each name taken from the bottom up, then the signature itself without its value."""
    relaxed = _methods(tags)[0] == "relaxed"
    left: dict[bytes, list[int]] = {}
    for position, (name, _) in enumerate(headers):
        if position != index:
            left.setdefault(name.strip().lower(), []).append(position)
    parts = []
    for named in tags["h"].lower().split(":"):
        places = left.get(named.strip().encode("utf-8", "replace"))
        if places:
            parts.append(_canonical(*headers[places.pop()], relaxed))
    name, value = headers[index]
    parts.append(_canonical(name, _B_VALUE.sub(rb"\1", b";" + value, count=1)[1:], relaxed).removesuffix(b"\r\n"))
    return b"".join(parts)


def _canonical(name: bytes, value: bytes, relaxed: bool) -> bytes:
    if not relaxed:
        return name + b":" + value
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ") + b"\r\n"


def _unpack(value: str) -> bytes:
    try:
        return base64.b64decode(_BASE64_BLANKS.sub("", value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Unsound("base64 is damaged") from error


def _verify(signed: bytes, tags: Mapping[str, str], record: Mapping[str, str]) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    kind = tags["a"].partition("-")[0]
    if record.get("v", "DKIM1") != "DKIM1" or record.get("k", "rsa") != kind:
        raise _Unsound("the given key is for something else")
    if "sha256" not in record.get("h", "sha256") or not record.get("p"):
        raise _Unsound("the given key is revoked, or not for this hash")
    material = _unpack(record["p"])
    try:
        if kind == "ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(material).verify(
                _unpack(tags["b"]), hashlib.sha256(signed).digest()
            )
            return
        key = load_der_public_key(material)
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < RSA_BITS_MIN:
            raise _Unsound("the given key is no RSA key of sufficient length")
        key.verify(_unpack(tags["b"]), signed, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _Unsound("the given key cannot be read") from error
    except InvalidSignature as error:
        raise _Unsound("the signature is not of the given key") from error
