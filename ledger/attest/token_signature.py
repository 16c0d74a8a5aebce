"""The CMS signature of a token (RFC 5652 §5, RFC 5816): who signed, what exactly was signed, and whether it holds.

Exactly one signer, named by issuer and serial number, whose certificate lies in the token (certReq) and is bound by the
signed attribute ESSCertIDv2. Without that binding, an honest token of one authority could be passed off as another's by
swapping certificates around it: the hole that rfc3161-client repaired in 1.0.6.
"""

from __future__ import annotations

import hashlib
import hmac

from asn1crypto import cms, core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.attest.strict_der import reading
from ledger.errors import MalformedError, SignatureError

MAX_CERTIFICATES = 16
"""A path has two to four certificates; more makes path building expensive, which is what an attacker would want."""

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""The digests that count (FORMATS §8), for messageDigest, ESSCertIDv2 and the signature."""

_SET_TAG = b"\x31"


def certificates_of(signed_data: cms.SignedData) -> list[x509.Certificate]:
    """Return the certificates in the token, in their order.

    Raises MalformedError on none, on more than MAX_CERTIFICATES, on one twice or on other kinds than X.509, ValueError
    and its like on bytes that are no certificate (call it under `reading`).
    """
    choices = signed_data["certificates"]
    if isinstance(choices, core.Void) or not 1 <= len(choices) <= MAX_CERTIFICATES:
        raise MalformedError(f"reading a timestamp: expected 1 to {MAX_CERTIFICATES} certificates inside")
    if any(choice.name != "certificate" for choice in choices):
        raise MalformedError("reading a timestamp: expected X.509 certificates inside, got another kind")
    encoded = [bytes(choice.chosen.dump()) for choice in choices]
    if len(set(encoded)) != len(encoded):
        raise MalformedError("reading a timestamp: expected each certificate once, got one twice")
    return [x509.load_der_x509_certificate(der) for der in encoded]


def signer_of(signed_data: cms.SignedData) -> x509.Certificate:
    """Return the one certificate that the one SignerInfo names. Nothing about it is checked.

    Raises MalformedError where there is not exactly one signer, or not exactly one certificate that it names.
    """
    signer_info = _signer_info(signed_data)
    named = signer_info["sid"].chosen
    matching = [
        certificate
        for certificate in certificates_of(signed_data)
        if certificate.serial_number == named["serial_number"].native
        and certificate.issuer.public_bytes() == named["issuer"].dump()
    ]
    if len(matching) != 1:
        raise MalformedError(f"reading a timestamp: expected its signer's certificate inside once, got {len(matching)}")
    return matching[0]


def check_token_signature(signed_data: cms.SignedData, signer: x509.Certificate) -> None:
    """Raise SignatureError unless `signer` signed this token's content, and says so itself.

    The signed attributes (RFC 5652 §11, RFC 5816 §2.2.1) must hold, once each and with one value: contentType TSTInfo,
    messageDigest of the content, and signingCertificateV2 whose first ESSCertIDv2 is `signer`.
    """
    with reading("the timestamp's signature"):
        signer_info = _signer_info(signed_data)
        digest = _digest_name(signer_info["digest_algorithm"])
        listed = [_digest_name(algorithm) for algorithm in signed_data["digest_algorithms"]]
        attributes = _signed_attributes(signer_info)
        content = bytes(signed_data["encap_content_info"]["content"])
        signed = _SET_TAG + signer_info["signed_attrs"].dump()[1:]  # RFC 5652 §5.4: [0] is read as SET OF
        _check_attributes(attributes, hashlib.new(digest, content).digest(), signer)
        if listed != [digest]:
            raise SignatureError(f"checking a timestamp: expected {digest} listed as its only digest, got {listed}")
        algorithm = signer_info["signature_algorithm"]
        try:
            _check_signature(signer, algorithm, digest, signer_info["signature"].native, signed)
        except InvalidSignature as error:
            raise SignatureError("checking a timestamp: expected its signer's signature, got a wrong one") from error


def _signer_info(signed_data: cms.SignedData) -> cms.SignerInfo:
    signers = signed_data["signer_infos"]
    if len(signers) != 1:
        raise MalformedError(f"reading a timestamp: expected exactly one signer (RFC 3161 §2.4.2), got {len(signers)}")
    signer_info = signers[0]
    if signer_info["version"].native != "v1" or signer_info["sid"].name != "issuer_and_serial_number":
        raise MalformedError("reading a timestamp: expected a signer named by issuer and serial number (SignerInfo v1)")
    return signer_info


def _digest_name(algorithm: core.Sequence) -> str:
    name = str(algorithm["algorithm"].native)
    if name not in _DIGESTS or algorithm["parameters"].native is not None:
        raise SignatureError(f"checking a timestamp: expected one of {', '.join(_DIGESTS)}, got {name}")
    return name


def _signed_attributes(signer_info: cms.SignerInfo) -> dict[str, core.Asn1Value]:
    """Return the signed attributes by type. One type twice, or with several values, could be read in two ways."""
    attributes: dict[str, core.Asn1Value] = {}
    for attribute in signer_info["signed_attrs"]:
        kind = str(attribute["type"].native)
        if kind in attributes or len(attribute["values"]) != 1:
            raise SignatureError(f"checking a timestamp: expected signed attribute {kind} once, with one value")
        attributes[kind] = attribute["values"][0]
    for kind in ("content_type", "message_digest", "signing_certificate_v2"):
        if kind not in attributes:
            raise SignatureError(f"checking a timestamp: expected the signed attribute {kind}, got none")
    return attributes


def _check_attributes(attributes: dict[str, core.Asn1Value], digest: bytes, signer: x509.Certificate) -> None:
    if attributes["content_type"].native != "tst_info":
        raise SignatureError("checking a timestamp: expected the signature to be over TSTInfo, got another contentType")
    if not hmac.compare_digest(bytes(attributes["message_digest"].native), digest):
        raise SignatureError("checking a timestamp: expected messageDigest to be the content's, got another")
    identifier = attributes["signing_certificate_v2"]["certs"][0]
    algorithm = _digest_name(identifier["hash_algorithm"])
    encoded = signer.public_bytes(Encoding.DER)
    if not hmac.compare_digest(identifier["cert_hash"].native, hashlib.new(algorithm, encoded).digest()):
        raise SignatureError("checking a timestamp: expected ESSCertIDv2 to name its signer, got another certificate's")
    stated = identifier["issuer_serial"]
    if not isinstance(stated, core.Void) and stated["serial_number"].native != signer.serial_number:
        raise SignatureError("checking a timestamp: expected ESSCertIDv2 to state its signer's serial, got another")


def _check_signature(
    signer: x509.Certificate, algorithm: cms.SignedDigestAlgorithm, digest: str, signature: bytes, signed: bytes
) -> None:
    """Verify with the signer's key; the algorithm named must be one of that key's own, with a digest that counts."""
    key, name = signer.public_key(), str(algorithm["algorithm"].native)
    if isinstance(key, rsa.RSAPublicKey) and name in ("rsassa_pkcs1v15", *(f"{each}_rsa" for each in _DIGESTS)):
        wanted = digest if name == "rsassa_pkcs1v15" else name.removesuffix("_rsa")
        key.verify(signature, signed, padding.PKCS1v15(), _DIGESTS[wanted])
    elif isinstance(key, ec.EllipticCurvePublicKey) and name in {f"{each}_ecdsa" for each in _DIGESTS}:
        key.verify(signature, signed, ec.ECDSA(_DIGESTS[name.removesuffix("_ecdsa")]))
    elif isinstance(key, ed25519.Ed25519PublicKey) and name == "ed25519":
        key.verify(signature, signed)
    else:
        raise SignatureError(f"checking a timestamp: expected RSA, ECDSA or Ed25519 with SHA-2, got {name}")
