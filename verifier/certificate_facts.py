"""What a certificate says, read once and eagerly.

`cryptography` parses extensions when they are first asked for, and may raise then. Here is the only place that asks,
so that a hostile certificate is refused where it is met and nothing escapes later.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from verifier.der import BIT_STRING, INTEGER, SEQUENCE, DerError, Fields, integer, read_der
from verifier.distinguished_name import NameKey, name_key
from verifier.signature_scheme import Algorithm, read_algorithm

TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
ANY_PURPOSE: Final = "2.5.29.37.0"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CACHED: Final = 4096  # certificates; a bundle shows the same ones to each of its tokens

_PROCESSED: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,  # no policy is required of a path, so none can be missing (RFC 5280 §6.1)
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,  # further names; a path is made of subjects and issuers
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)
"""Extensions that may be critical. Name and policy constraints are absent on purpose: critical, they are refused."""

_LATE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    DerError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    Warning,  # a caller may have turned warnings into errors
)


class UnreadableCertificate(ValueError):
    """A certificate whose encoding or extensions cannot be read; the text says what, in lower case."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The frame of a certificate (RFC 5280 §4.1): names, serial number, and what its issuer signed."""

    issuer: NameKey
    subject: NameKey
    serial: int
    signed: bytes
    algorithm: Algorithm
    signature: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What the extensions and the validity of a certificate say. Times in microseconds since 1970, both inclusive."""

    not_before_us: int
    not_after_us: int
    is_ca: bool
    path_length: int | None
    may_sign_certificates: bool
    may_sign_data: bool
    purposes: frozenset[str] | None
    purposes_critical: bool
    policies: frozenset[str]
    key_identifier: bytes | None
    unprocessed_critical: str | None


def microseconds(time: datetime) -> int:
    """An aware datetime as microseconds since 1970-01-01T00:00:00Z, exact."""
    return (time - _EPOCH) // _MICROSECOND


def load_certificate(der: bytes) -> x509.Certificate | None:
    """The certificate that `der` encodes, or None if its frame or validity cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            outline_of(certificate)
            microseconds(certificate.not_valid_before_utc)
            microseconds(certificate.not_valid_after_utc)
            same = certificate.public_bytes(Encoding.DER) == der
    except (*_LATE, UnreadableCertificate):
        return None
    return certificate if same else None  # hashes over it must be hashes over the token's own bytes


@lru_cache(maxsize=_CACHED)
def outline_of(certificate: x509.Certificate) -> Outline:
    """The frame of a certificate; raises UnreadableCertificate."""
    try:
        fields = Fields(read_der(certificate.public_bytes(Encoding.DER)), "a certificate")
        signed = fields.take(SEQUENCE)
        algorithm = read_algorithm(fields.take(SEQUENCE), "a certificate's signature algorithm")
        signature = fields.take(BIT_STRING).content
        fields.end()
        inner = Fields(signed, "a certificate")
        inner.optional(0xA0)
        serial = integer(inner.take(INTEGER), "a certificate's serial number")
        inner_algorithm = inner.take(SEQUENCE)
        issuer = name_key(inner.take(SEQUENCE))
        inner.take(SEQUENCE)
        subject = name_key(inner.take(SEQUENCE))
    except _LATE as error:
        raise UnreadableCertificate(f"read a certificate: {error}") from error
    if inner_algorithm.raw != algorithm.raw or signature[:1] != b"\x00":
        # RFC 5280 §4.1.1.2: an algorithm outside the signed part could be changed by anybody
        raise UnreadableCertificate("read a certificate: expected one signature algorithm and whole bytes, got others")
    return Outline(issuer, subject, serial, signed.raw, algorithm, signature[1:])


@lru_cache(maxsize=_CACHED)
def facts_of(certificate: x509.Certificate) -> Facts:
    """The extensions and validity of a certificate; raises UnreadableCertificate."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read_facts(certificate)
    except _LATE as error:
        raise UnreadableCertificate(f"read a certificate's extensions: {error}") from error


def _read_facts(certificate: x509.Certificate) -> Facts:
    values: dict[x509.ObjectIdentifier, x509.ExtensionType] = {}
    critical: set[x509.ObjectIdentifier] = set()
    for extension in certificate.extensions:
        values[extension.oid] = extension.value
        if extension.critical:
            critical.add(extension.oid)
    constraints = values.get(ExtensionOID.BASIC_CONSTRAINTS)
    usage = values.get(ExtensionOID.KEY_USAGE)
    purposes = values.get(ExtensionOID.EXTENDED_KEY_USAGE)
    policies = values.get(ExtensionOID.CERTIFICATE_POLICIES)
    identifier = values.get(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    listed = [purpose.dotted_string for purpose in purposes] if isinstance(purposes, x509.ExtendedKeyUsage) else None
    is_ca = isinstance(constraints, x509.BasicConstraints) and constraints.ca
    return Facts(
        not_before_us=microseconds(certificate.not_valid_before_utc),
        not_after_us=microseconds(certificate.not_valid_after_utc),
        is_ca=is_ca,
        path_length=constraints.path_length if isinstance(constraints, x509.BasicConstraints) else None,
        may_sign_certificates=not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign,
        may_sign_data=not isinstance(usage, x509.KeyUsage) or usage.digital_signature or usage.content_commitment,
        purposes=None if listed is None else frozenset(listed),
        purposes_critical=ExtensionOID.EXTENDED_KEY_USAGE in critical,
        policies=frozenset(p.policy_identifier.dotted_string for p in policies)
        if isinstance(policies, x509.CertificatePolicies)
        else frozenset(),
        key_identifier=identifier.digest if isinstance(identifier, x509.SubjectKeyIdentifier) else None,
        unprocessed_critical=min((name.dotted_string for name in critical - _PROCESSED), default=None),
    )
