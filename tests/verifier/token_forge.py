"""A forge of time-stamp tokens, written from RFC 3161, 5652, 5035 and 5816, to inject faults one by one.

It writes DER by hand, so that every part of a token can be made wrong while all others stay right.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from tests.verifier.certificate_forge import Holder

SHA1, SHA256, SHA384, SHA512 = (
    "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3",
)  # fmt: skip
HASHES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    SHA1: ("sha1", hashes.SHA1()),  # noqa: S303 - to see it refused
    SHA256: ("sha256", hashes.SHA256()),
    SHA384: ("sha384", hashes.SHA384()),
    SHA512: ("sha512", hashes.SHA512()),
}
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
ESS_V1, ESS_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
STAMPED = b"log.example/1\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
POLICY = "1.3.6.1.4.1.99999.1"


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.insert(0, arc & 0x7F | 0x80)
        content += bytes(octets)
    return tlv(0x06, content)


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *sorted(parts))


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    return sequence(oid(dotted), parameters)


def attribute(kind: str, *values: bytes) -> bytes:
    return sequence(oid(kind), set_of(*values))


@dataclass(frozen=True)
class Recipe:
    """All parts of a response. None means: as the RFCs want it. Change one with `but`."""

    signer: Holder
    chain: tuple[bytes, ...] = ()
    with_signer: bool = True
    with_certificates: bool = True
    stamped: bytes = STAMPED
    digest: str = SHA256
    digest_parameters: bytes = b""
    scheme: str = ""  # "", "pss", "bare": rsaEncryption
    imprint_digest: str = SHA256
    imprint: bytes | None = None
    info_version: int = 1
    policy: str = POLICY
    gen_time: bytes = b"20240101000000Z"
    accuracy: bytes = b""
    info_tail: bytes = b""
    info: bytes | None = None
    content_type: str = TST_INFO
    content_type_attribute: tuple[bytes, ...] | None = None
    message_digest_attribute: tuple[bytes, ...] | None = None
    ess: tuple[bytes, ...] | None = None
    more_attributes: tuple[bytes, ...] = ()
    signed_attributes: bool = True
    sorted_attributes: bool = True
    by_key_identifier: bool = False
    signer_id: bytes | None = None
    signature_algorithm: bytes | None = None
    signature: bytes | None = None
    signers: int = 1
    status: bytes = field(default_factory=lambda: sequence(integer(0)))
    tail: bytes = b""

    def but(self, **changes: Any) -> Recipe:
        return replace(self, **changes)


def digest_of(dotted: str, data: bytes) -> bytes:
    return hashlib.new(HASHES[dotted][0], data).digest()


def ess_cert_id(
    certificate: bytes, digest: str = SHA256, issuer_serial: bytes = b"", shown: bytes | None = None
) -> bytes:
    named = (b"" if digest in (SHA256, SHA1) else algorithm(digest)) if shown is None else shown
    return sequence(named, octets(digest_of(digest, certificate)), issuer_serial)


def ess_v2(*ids: bytes) -> bytes:
    return attribute(ESS_V2, sequence(sequence(*ids)))


def ess_v1(*ids: bytes) -> bytes:
    return attribute(ESS_V1, sequence(sequence(*ids)))


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    return sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))


def ess_issuer_serial(
    certificate: x509.Certificate, serial: int | None = None, issuer: x509.Name | None = None
) -> bytes:
    directory = tlv(0xA4, (issuer or certificate.issuer).public_bytes())
    return sequence(sequence(directory), integer(certificate.serial_number if serial is None else serial))


def tst_info(recipe: Recipe) -> bytes:
    if recipe.info is not None:
        return recipe.info
    imprint = digest_of(SHA256, recipe.stamped) if recipe.imprint is None else recipe.imprint
    return sequence(
        integer(recipe.info_version),
        oid(recipe.policy),
        sequence(algorithm(recipe.imprint_digest, b"\x05\x00"), octets(imprint)),
        integer(42),
        tlv(0x18, recipe.gen_time),
        recipe.accuracy,
        recipe.info_tail,
    )


def _pss_parameters(digest: str) -> bytes:
    own = algorithm(digest, b"\x05\x00")
    mask = algorithm("1.2.840.113549.1.1.8", own)
    return sequence(tlv(0xA0, own), tlv(0xA1, mask), tlv(0xA2, integer(32)))


def signature_algorithm(recipe: Recipe) -> bytes:
    index = {SHA1: 0, SHA256: 0, SHA384: 1, SHA512: 2}[recipe.digest]
    own = recipe.signer.key
    if isinstance(own, ed25519.Ed25519PrivateKey):
        return algorithm("1.3.101.112")
    if isinstance(own, ed448.Ed448PrivateKey):
        return algorithm("1.3.101.113")
    if isinstance(own, ec.EllipticCurvePrivateKey):
        return algorithm(f"1.2.840.10045.4.3.{index + 2}" if recipe.digest != SHA1 else "1.2.840.10045.4.1")
    if recipe.scheme == "pss":
        return algorithm("1.2.840.113549.1.1.10", _pss_parameters(recipe.digest))
    if recipe.scheme == "bare":
        return algorithm("1.2.840.113549.1.1.1", b"\x05\x00")
    return algorithm(
        f"1.2.840.113549.1.1.{index + 11}" if recipe.digest != SHA1 else "1.2.840.113549.1.1.5", b"\x05\x00"
    )


def sign(recipe: Recipe, data: bytes) -> bytes:
    own, digest = recipe.signer.key, HASHES[recipe.digest][1]
    if isinstance(own, ec.EllipticCurvePrivateKey):
        return own.sign(data, ec.ECDSA(digest))
    if isinstance(own, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), 32)
        return own.sign(data, pss if recipe.scheme == "pss" else padding.PKCS1v15(), digest)
    return own.sign(data)


def _attributes(recipe: Recipe, info: bytes) -> list[bytes]:
    kinds = recipe.content_type_attribute
    digests = recipe.message_digest_attribute
    ess = recipe.ess
    return [
        *((attribute(CONTENT_TYPE, oid(TST_INFO)),) if kinds is None else kinds),
        *((attribute(MESSAGE_DIGEST, octets(digest_of(recipe.digest, info))),) if digests is None else digests),
        *((ess_v2(ess_cert_id(recipe.signer.der)),) if ess is None else ess),
        *recipe.more_attributes,
    ]


def signer_info(recipe: Recipe, info: bytes) -> bytes:
    attributes = _attributes(recipe, info)
    joined = b"".join(sorted(attributes) if recipe.sorted_attributes else attributes)
    covered = tlv(0x31, joined) if recipe.signed_attributes else info
    certificate = recipe.signer.certificate
    by_serial = issuer_and_serial(certificate)
    identifier = tlv(0x80, x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest)
    named = recipe.signer_id or (identifier if recipe.by_key_identifier else by_serial)
    return sequence(
        integer(3 if recipe.by_key_identifier else 1),
        named,
        algorithm(recipe.digest, recipe.digest_parameters),
        tlv(0xA0, joined) if recipe.signed_attributes else b"",
        recipe.signature_algorithm or signature_algorithm(recipe),
        octets(sign(recipe, covered) if recipe.signature is None else recipe.signature),
    )


def forge(recipe: Recipe) -> bytes:
    """The whole TimeStampResp."""
    info = tst_info(recipe)
    certificates = [*([recipe.signer.der] if recipe.with_signer else []), *recipe.chain]
    signed = sequence(
        integer(3),
        set_of(algorithm(recipe.digest, recipe.digest_parameters)),
        sequence(oid(recipe.content_type), tlv(0xA0, octets(info))),
        tlv(0xA0, *certificates) if recipe.with_certificates else b"",
        tlv(0x31, *[signer_info(recipe, info)] * recipe.signers),
    )
    return sequence(recipe.status, sequence(oid("1.2.840.113549.1.7.2"), tlv(0xA0, signed))) + recipe.tail
