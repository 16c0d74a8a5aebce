"""RFC 3161 tokens judged by time.md: what is bad, what does not count, and whose authority a token has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.certificate_facts import TIME_STAMPING, UnreadableCertificate, facts_of, load_certificate, outline_of
from verifier.certificate_path import anchors_reached
from verifier.der import OCTET_STRING, OID, DerError, oid
from verifier.errors import BadTimestamp
from verifier.signature_scheme import (
    DIGESTS,
    SHA256,
    SHA384,
    SHA512,
    OutsideTheList,
    PublicKey,
    Scheme,
    check_signature,
    listed_digest,
    listed_key,
    scheme_of,
)
from verifier.signed_data import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SHA1,
    TST_INFO,
    EssCertId,
    SignedData,
    SignerId,
    only_value,
    read_response,
    read_signed_data,
)
from verifier.tst_info import TstInfo, read_tst_info

DEVELOPMENT_POLICY: Final = "2.25.145047057259333179322662350425194208016"
"""The policy of every ledger's embedded authority (time.md): its tokens are the operator's own clock."""

_HASHES: Final[dict[str, Callable[[bytes], bytes]]] = {
    SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),  # ESSCertID's; decides only against a token
    SHA256: lambda data: hashlib.sha256(data).digest(),
    SHA384: lambda data: hashlib.sha384(data).digest(),
    SHA512: lambda data: hashlib.sha512(data).digest(),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A time-stamp response that could be parsed; nothing in it is checked yet.

    `raw` the whole TimeStampResp. `gen_time_us` microseconds since 1970-01-01T00:00:00Z; `accuracy_us` microseconds,
    an absent accuracy is one second. Digits of genTime finer than a microsecond are cut off and one microsecond is
    added to the accuracy: genTime − accuracy only goes down by it, genTime + accuracy only up. `policy` and
    `imprint_algorithm` dotted. `certificates`: those of the token that can be read, believed for nothing. `signer`:
    the one among them that the SignerInfo names, None if none does.
    """

    raw: bytes
    gen_time_us: int
    accuracy_us: int
    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    certificates: tuple[x509.Certificate, ...]
    signer: x509.Certificate | None
    _info: TstInfo = field(repr=False)
    _signed: SignedData = field(repr=False)


def parse_response(der: bytes) -> Token:
    """The token in a TimeStampResp (RFC 3161 §2.4.2): strict DER, status 0 or 1, nothing after; raises BadTimestamp."""
    try:
        signed = read_signed_data(read_response(der))
        info = read_tst_info(signed.content)
    except DerError as error:
        raise BadTimestamp(str(error)) from error
    loaded = (load_certificate(raw) for raw in signed.certificates)
    certificates = tuple(certificate for certificate in loaded if certificate is not None)
    return Token(
        raw=der,
        gen_time_us=info.gen_time_us,
        accuracy_us=info.accuracy_us,
        policy=info.policy,
        imprint_algorithm=info.imprint_algorithm,
        imprint=info.imprint,
        serial=info.serial,
        certificates=certificates,
        signer=_signer(signed, certificates),
        _info=info,
        _signed=signed,
    )


def _signer(signed: SignedData, certificates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The certificate the SignerInfo names; among several of the same name and number, the one that ESS names too.

    Certificates in a token are not signed: a look-alike put before the true one must not hide it.
    """
    candidates = [one for one in certificates if _is_named(signed.signer_id, one)]
    for candidate in candidates:
        if signed.ess_cert_ids and all(_names(identifier, candidate) for identifier in signed.ess_cert_ids):
            return candidate
    return candidates[0] if candidates else None


def _is_named(signer_id: SignerId, certificate: x509.Certificate) -> bool:
    try:
        if signer_id.key_identifier is not None:
            return facts_of(certificate).key_identifier == signer_id.key_identifier
        outline = outline_of(certificate)
    except UnreadableCertificate:
        return False
    return (outline.issuer, outline.serial) == (signer_id.issuer, signer_id.serial)


def _names(identifier: EssCertId, certificate: x509.Certificate) -> bool:
    """Whether an ESSCertID(v2) names the certificate; one with an unknown hash is judged by issuer and serial alone."""
    digest = _HASHES.get(identifier.digest)
    if digest is not None and digest(certificate.public_bytes(Encoding.DER)) != identifier.certificate_hash:
        return False
    outline = outline_of(certificate)
    return identifier.names is None or (identifier.names, identifier.serial) == ((outline.issuer,), outline.serial)


def check_token(token: Token, stamped: bytes) -> None:
    """Checks all of a token that time.md calls bad, against the bytes it stamps; raises BadTimestamp.

    Without a signer's certificate, or with an algorithm, key type or key size outside the list, the signature (and
    with a digest outside the list, the message digest) cannot be checked; then `uncounted_reason` says so.
    """
    if token.imprint_algorithm != SHA256:
        raise BadTimestamp(f"check the imprint: expected SHA-256, got {token.imprint_algorithm}")
    if token.imprint != hashlib.sha256(stamped).digest():
        raise BadTimestamp("check the imprint: expected the digest of the stamped bytes, got another")
    _check_attributes(token._signed)
    if token.signer is None:
        return
    for identifier in token._signed.ess_cert_ids:
        if not _names(identifier, token.signer):
            raise BadTimestamp("check the signing certificate: expected the signer's own, got another's")
    _check_signature(token._signed, token.signer)


def _check_attributes(signed: SignedData) -> None:
    """Content type and message digest (RFC 5652 §11.1, §11.2), each required because the content is not id-data."""
    try:
        kind = only_value(signed.attributes, CONTENT_TYPE)
        digest = only_value(signed.attributes, MESSAGE_DIGEST)
        if kind is None or digest is None:
            raise BadTimestamp("check the signed attributes: expected content type and message digest, got not both")
        if oid(kind.expect(OID, "content type"), "content type") != TST_INFO:
            raise BadTimestamp("check the signed attributes: expected content type tstinfo, got another")
        value = digest.expect(OCTET_STRING, "message digest").content
    except DerError as error:
        raise BadTimestamp(str(error)) from error
    try:
        expected = _HASHES[listed_digest(signed.digest)](signed.content)
    except OutsideTheList:
        return
    if value != expected:
        raise BadTimestamp("check the message digest: expected the digest of the tstinfo, got another")


def _check_signature(signed: SignedData, signer: x509.Certificate) -> None:
    try:
        key, scheme = _means(signed, signer)
    except OutsideTheList:
        return
    except DerError as error:
        raise BadTimestamp(str(error)) from error
    if signed.signed_bytes is None:
        raise BadTimestamp("check the signature: expected signed attributes, got none")
    try:
        check_signature(key, scheme, signed.signature, signed.signed_bytes)
    except InvalidSignature as error:
        raise BadTimestamp("check the signature: expected the signer's, got another") from error


def _means(signed: SignedData, signer: x509.Certificate) -> tuple[PublicKey, Scheme]:
    """What the signature is checked with; raises OutsideTheList, DerError."""
    return listed_key(signer), scheme_of(signed.signature_algorithm, listed_digest(signed.digest))


def uncounted_reason(token: Token) -> str | None:
    """Why a token that is not bad does not count, as far as the token itself tells; None if it says nothing against."""
    signed, signer = token._signed, token.signer
    if signer is None:
        return "the signer's certificate is not in the token"
    if token.policy == DEVELOPMENT_POLICY:
        return "the token is not independent of the operator: it states the development policy"
    newer = [identifier for identifier in signed.ess_cert_ids if identifier.version == 2]
    if not newer:
        return "no ESSCertIDv2 names the signer's certificate"
    if newer[0].digest not in DIGESTS:
        return f"the ESSCertIDv2's digest algorithm {newer[0].digest} is not SHA-256, SHA-384 or SHA-512"
    if token._info.critical_extension is not None:
        return f"the token has a critical extension {token._info.critical_extension} that is not known"
    try:
        _means(signed, signer)
        return _certificate_reason(signer)
    except (OutsideTheList, DerError, UnreadableCertificate) as error:
        return f"the signature cannot be relied on: {error}"


def _certificate_reason(signer: x509.Certificate) -> str | None:
    facts = facts_of(signer)
    if facts.purposes != frozenset({TIME_STAMPING}) or not facts.purposes_critical:
        return "the signer's extendedKeyUsage is not critical, or not timeStamping alone"
    if DEVELOPMENT_POLICY in facts.policies:
        return "the token is not independent of the operator: its signer's certificate states the development policy"
    return None


def authorities_of(
    token: Token, anchors: Mapping[str, Sequence[x509.Certificate]], intermediates: Sequence[x509.Certificate]
) -> list[str]:
    """Names of the anchor files, sorted, to one of whose anchors a path valid at genTime leads from the signer.

    `intermediates`: certificates beside those in the token; both are believed for nothing. An empty list if there is
    no signer or no path. Raises BadTimestamp where more certificates are offered than any honest bundle brings.
    """
    if token.signer is None:
        return []
    at_us = (token.gen_time_us, token.gen_time_us + token._info.finer)
    return anchors_reached(token.signer, at_us, anchors, [*token.certificates, *intermediates])
