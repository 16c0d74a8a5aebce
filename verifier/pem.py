"""PEM certificates: those of a bundle, believed for nothing, and those of a trust folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cryptography import x509

_BLOCK = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----(?:\r?\n)?"
)
# No specification limits the intermediates; a path needs a few, and every one costs time for each token. Those past
# the limit are not used, as those that cannot be parsed are not: they could only have helped a token to count.
MAX_CERTIFICATES = 512


def is_one_block(data: bytes) -> bool:
    """Whether a text is exactly one PEM block of a certificate, whatever is in it."""
    return _BLOCK.fullmatch(data) is not None


def readable(texts: Iterable[bytes]) -> list[x509.Certificate]:
    """The certificates among PEM texts that can be parsed; the others are left out."""
    certificates: list[x509.Certificate] = []
    for text in texts:
        if len(certificates) == MAX_CERTIFICATES:
            break
        try:
            certificates.append(x509.load_pem_x509_certificate(text))
        except ValueError:
            continue
    return certificates
