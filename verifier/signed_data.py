"""CMS SignedData as RFC 3161 §2.4.2 uses it: one content, one signer, signed attributes (RFC 5652 §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.der import INTEGER, OCTET_STRING, OID, SEQUENCE, SET, DerError, Fields, Node, integer, oid, read_der
from verifier.distinguished_name import NameKey, name_key
from verifier.signature_scheme import SHA256, Algorithm, read_algorithm

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SHA1: Final = "1.3.14.3.2.26"

MAX_CERTIFICATES: Final = 256
"""Certificates in one token; real tokens hold one to four."""

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
_SIGNED_DATA_VERSIONS: Final = range(1, 6)  # RFC 5652 §5.1; no meaning hangs on it
_SIGNER_INFO_VERSIONS: Final = (1, 3)
_DIRECTORY_NAME: Final = 0xA4
_CERTIFICATES: Final = 0xA0
_CRLS: Final = 0xA1
_SIGNED_ATTRIBUTES: Final = 0xA0
_UNSIGNED_ATTRIBUTES: Final = 0xA1
_KEY_IDENTIFIER: Final = 0x80


@dataclass(frozen=True, slots=True)
class SignerId:
    """Who signed: issuer and serial number, or else the key identifier (RFC 5652 §5.3)."""

    issuer: NameKey | None
    serial: int | None
    key_identifier: bytes | None


@dataclass(frozen=True, slots=True)
class EssCertId:
    """What a signing certificate attribute says of its first certificate, the signer's (RFC 5035 §4, RFC 2634 §5.4).

    `version` 1 or 2; `names` the directory names of issuerSerial, or None if that is absent.
    """

    version: int
    digest: str
    certificate_hash: bytes
    names: tuple[NameKey, ...] | None
    serial: int | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One signed attribute: `oid` dotted, and the SET of its values, unread until it is needed."""

    oid: str
    values: Node


@dataclass(frozen=True, slots=True)
class SignedData:
    """The one content and its one signer. `signed_bytes` is what the signature covers, None if nothing is signed so."""

    content: bytes
    certificates: tuple[bytes, ...]
    signer_id: SignerId
    digest: Algorithm
    attributes: tuple[Attribute, ...]
    signed_bytes: bytes | None
    ess_cert_ids: tuple[EssCertId, ...]
    signature_algorithm: Algorithm
    signature: bytes


def read_signed_data(node: Node) -> SignedData:
    """The SignedData inside a ContentInfo with a TSTInfo as content; raises DerError."""
    info = Fields(node, "time-stamp token")
    kind = oid(info.take(OID), "content type")
    if kind != _SIGNED_DATA:
        raise DerError(f"read a time-stamp token: expected signed data, got {kind}")
    fields = Fields(info.take(0xA0).only_child(SEQUENCE, "signed data"), "signed data")
    info.end()
    version = integer(fields.take(INTEGER), "signed data version")
    if version not in _SIGNED_DATA_VERSIONS:
        raise DerError(f"read signed data: expected version 1 to 5, got {version}")
    for algorithm in fields.take(SET).children():
        read_algorithm(algorithm, "digest algorithms")
    content = _content(fields.take(SEQUENCE))
    certificates = _certificates(fields.optional(_CERTIFICATES))
    fields.optional(_CRLS)  # revocation is not judged: what matters is whom the reader trusts
    signers = fields.take(SET).children()
    fields.end()
    if len(signers) != 1:
        raise DerError(f"read signed data: expected one signer, got {len(signers)}")
    return _signer(signers[0], content, certificates)


def _content(node: Node) -> bytes:
    fields = Fields(node, "encapsulated content")
    kind = oid(fields.take(OID), "encapsulated content type")
    if kind != TST_INFO:
        raise DerError(f"read encapsulated content: expected tstinfo, got {kind}")
    content = fields.take(0xA0).only_child(OCTET_STRING, "encapsulated content").content
    fields.end()
    return content


def _certificates(node: Node | None) -> tuple[bytes, ...]:
    """The X.509 certificates of a CertificateSet; its other choices (RFC 5652 §10.2.2) bear no key for us."""
    members = [] if node is None else node.children()
    if len(members) > MAX_CERTIFICATES:
        raise DerError(f"read certificates: expected at most {MAX_CERTIFICATES}, got {len(members)}")
    return tuple(member.raw for member in members if member.tag == SEQUENCE)


def _signer(node: Node, content: bytes, certificates: tuple[bytes, ...]) -> SignedData:
    fields = Fields(node, "signer info")
    version = integer(fields.take(INTEGER), "signer info version")
    if version not in _SIGNER_INFO_VERSIONS:
        raise DerError(f"read signer info: expected version 1 or 3, got {version}")
    signer_id = _signer_id(fields.take_any())
    digest = read_algorithm(fields.take(SEQUENCE), "digest algorithm")
    signed = fields.optional(_SIGNED_ATTRIBUTES)
    attributes = () if signed is None else tuple(map(_attribute, signed.children()))
    signature_algorithm = read_algorithm(fields.take(SEQUENCE), "signature algorithm")
    signature = fields.take(OCTET_STRING).content
    fields.optional(_UNSIGNED_ATTRIBUTES)
    fields.end()
    # RFC 5652 §5.4: the signature covers the attributes under the tag SET OF, not under the one they travel with
    signed_bytes = None if signed is None else bytes((SET,)) + signed.raw[1:]
    ids = _ess_cert_ids(attributes)
    return SignedData(
        content, certificates, signer_id, digest, attributes, signed_bytes, ids, signature_algorithm, signature
    )


def _signer_id(node: Node) -> SignerId:
    if node.tag == _KEY_IDENTIFIER:
        return SignerId(None, None, node.content)
    fields = Fields(node, "signer identifier")
    issuer = name_key(fields.take(SEQUENCE))
    serial = integer(fields.take(INTEGER), "signer's serial number")
    fields.end()
    return SignerId(issuer, serial, None)


def _attribute(node: Node) -> Attribute:
    fields = Fields(node, "signed attribute")
    kind = oid(fields.take(OID), "signed attribute")
    values = fields.take(SET)
    fields.end()
    return Attribute(kind, values)


def only_value(attributes: Sequence[Attribute], kind: str) -> Node | None:
    """The value of the attribute `kind`, None if absent; raises DerError unless it is there once with one value.

    RFC 5652 §11.1 and §11.2, RFC 5035 §3: with two, each reader would believe the one it meets first.
    """
    found = [attribute for attribute in attributes if attribute.oid == kind]
    if not found:
        return None
    values = found[0].values.children()
    if len(found) != 1 or len(values) != 1:
        raise DerError(f"read signed attribute {kind}: expected it once with one value, got more or none")
    return values[0]


def _ess_cert_ids(attributes: Sequence[Attribute]) -> tuple[EssCertId, ...]:
    ids: list[EssCertId] = []
    for version, kind in ((1, _SIGNING_CERTIFICATE), (2, _SIGNING_CERTIFICATE_V2)):
        value = only_value(attributes, kind)
        if value is not None:
            fields = Fields(value, "signing certificate")
            named = fields.take(SEQUENCE).children()
            fields.optional(SEQUENCE)
            fields.end()
            if not named:
                raise DerError("read signing certificate: expected at least one certificate, got none")
            ids.extend(_ess_cert_id(one, version) for one in named[:1])
    return tuple(ids)


def _ess_cert_id(node: Node, version: int) -> EssCertId:
    fields = Fields(node, "ess certificate identifier")
    digest = SHA1
    if version == 2:
        algorithm = fields.optional(SEQUENCE)
        digest = SHA256 if algorithm is None else read_algorithm(algorithm, "ess certificate hash algorithm").oid
    certificate_hash = fields.take(OCTET_STRING).content
    issuer_serial = fields.optional(SEQUENCE)
    fields.end()
    if issuer_serial is None:
        return EssCertId(version, digest, certificate_hash, None, None)
    members = Fields(issuer_serial, "ess issuer and serial")
    names = members.take(SEQUENCE).children()
    serial = integer(members.take(INTEGER), "ess serial number")
    members.end()
    keys = tuple(name_key(name.only_child(SEQUENCE, "ess issuer")) for name in names if name.tag == _DIRECTORY_NAME)
    return EssCertId(version, digest, certificate_hash, keys, serial)


def read_response(der: bytes) -> Node:
    """The token of a TimeStampResp with status 0 or 1 (RFC 3161 §2.4.2) and nothing after it; raises DerError."""
    fields = Fields(read_der(der), "time-stamp response")
    status_fields = Fields(fields.take(SEQUENCE), "response status")
    status = integer(status_fields.take(INTEGER), "response status")
    status_fields.optional(SEQUENCE)
    status_fields.optional(0x03)
    status_fields.end()
    if status not in (0, 1):
        raise DerError(f"read a time-stamp response: expected status 0 or 1, got {status}")
    token = fields.take(SEQUENCE)
    fields.end()
    return token
