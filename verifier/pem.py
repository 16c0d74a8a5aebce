"""PEM certificates: those of a bundle, believed for nothing, and those of a trust folder."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from cryptography import x509

from verifier.certificate_facts import load_certificate

_BLOCK = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----(?:\r?\n)?"
)
# Far more than any certificate has; a text beyond it is not even looked at.
MAX_TEXT = 2**20
# No specification limits the intermediates; a path needs a few, and every one costs time for each token. Those past
# the limit are not used, as those that cannot be parsed are not: they could only have helped a token to count.
MAX_CERTIFICATES = 512


def is_one_block(data: bytes) -> bool:
    """Whether a text is exactly one PEM block of a certificate, whatever is in it."""
    return len(data) <= MAX_TEXT and _BLOCK.fullmatch(data) is not None


def readable(texts: Iterable[bytes]) -> list[x509.Certificate]:
    """The certificates among PEM texts that can be parsed; the others are left out."""
    certificates: list[x509.Certificate] = []
    for text in texts:
        if len(certificates) == MAX_CERTIFICATES:
            break
        certificate = _load(text) if is_one_block(text) else None
        if certificate is not None:
            certificates.append(certificate)
    return certificates


def _load(text: bytes) -> x509.Certificate | None:
    body = b"".join(text.splitlines()[1:-1])
    try:
        return load_certificate(base64.b64decode(body, validate=True))
    except binascii.Error:
        return None
