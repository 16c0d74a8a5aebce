"""The signature algorithms that a time stamp may use (time.md, "When a token counts"), and their checking.

One reading of an AlgorithmIdentifier serves both the CMS signature and the certificates above it. What stands outside
the list is reported as OutsideTheList: it cannot be checked, so it is relied on for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from verifier.der import INTEGER, NULL, OID, SEQUENCE, DerError, Fields, Node, integer, oid

SHA256: Final = "2.16.840.1.101.3.4.2.1"
SHA384: Final = "2.16.840.1.101.3.4.2.2"
SHA512: Final = "2.16.840.1.101.3.4.2.3"
DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    SHA256: hashes.SHA256(),
    SHA384: hashes.SHA384(),
    SHA512: hashes.SHA512(),
}

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 16384
"""OpenSSL's own ceiling: above it no signature is checked."""
MAX_RSA_EXPONENT_BITS: Final = 64
"""A check costs as much as the exponent is long: full-length ones would make one small bundle cost minutes."""
MIN_EC_BITS: Final = 256
MAX_SALT_BYTES: Final = MAX_RSA_BITS // 8

_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_ED25519: Final = "1.3.101.112"
_PKCS1_DIGEST: Final = {
    "1.2.840.113549.1.1.11": SHA256,
    "1.2.840.113549.1.1.12": SHA384,
    "1.2.840.113549.1.1.13": SHA512,
}
_ECDSA_DIGEST: Final = {
    "1.2.840.10045.4.3.2": SHA256,
    "1.2.840.10045.4.3.3": SHA384,
    "1.2.840.10045.4.3.4": SHA512,
}

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class OutsideTheList(ValueError):
    """An algorithm, key type or key size that time.md does not list; the text says which, in lower case."""


class Family(Enum):
    """What kind of key a signature asks for, and how its bytes are read."""

    PKCS1 = "rsa pkcs #1 v1.5"
    PSS = "rsa-pss"
    ECDSA = "ecdsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An AlgorithmIdentifier (RFC 5280 §4.1.1.2): `oid` dotted, `parameters` None if absent, `raw` its DER."""

    oid: str
    parameters: Node | None
    raw: bytes

    def has_no_parameters(self) -> bool:
        """Whether parameters are absent or NULL; RFC 5754 §2 asks to take both."""
        return self.parameters is None or self.parameters.raw == bytes((NULL, 0))


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one signature is to be checked. `digest` is an OID of DIGESTS (for Ed25519 unused); the rest is PSS's."""

    family: Family
    digest: str = SHA512
    mgf_digest: str = SHA512
    salt_bytes: int = 0


def read_algorithm(node: Node, what: str) -> Algorithm:
    """An AlgorithmIdentifier; raises DerError."""
    fields = Fields(node, what)
    name = oid(fields.take(OID), what)
    parameters = fields.optional_any()
    fields.end()
    return Algorithm(name, parameters, node.raw)


def listed_digest(algorithm: Algorithm) -> str:
    """The OID of a listed digest algorithm; raises OutsideTheList."""
    if algorithm.oid not in DIGESTS or not algorithm.has_no_parameters():
        raise OutsideTheList(f"digest algorithm {algorithm.oid} is not SHA-256, SHA-384 or SHA-512")
    return algorithm.oid


def scheme_of(algorithm: Algorithm, digest: str | None) -> Scheme:
    """How to check a signature made with `algorithm`; raises OutsideTheList, DerError (its parameters are no DER).

    `digest` is the digestAlgorithm of a SignerInfo, with which the bare rsaEncryption is completed (RFC 3370 §3.2) and
    from which no signature algorithm may differ: RFC 5652 §5.4 knows one digest, and readers would disagree about
    which of two it is. None in certificates, where rsaEncryption signs nothing.
    """
    scheme = _scheme(algorithm, digest)
    if digest is not None and scheme.family is not Family.ED25519 and scheme.digest != digest:
        raise OutsideTheList(f"signature digest {scheme.digest} differs from digest algorithm {digest}")
    return scheme


def _scheme(algorithm: Algorithm, digest: str | None) -> Scheme:
    name = algorithm.oid
    if name == _RSA_PSS:
        return _pss(algorithm)
    if algorithm.has_no_parameters():
        if name == _RSA and digest is not None:
            return Scheme(Family.PKCS1, digest)
        if name in _PKCS1_DIGEST:
            return Scheme(Family.PKCS1, _PKCS1_DIGEST[name])
        if name in _ECDSA_DIGEST:
            return Scheme(Family.ECDSA, _ECDSA_DIGEST[name])
        if name == _ED25519:
            return Scheme(Family.ED25519)
    raise OutsideTheList(f"signature algorithm {name} is not in the list, or its parameters are not")


def _pss(algorithm: Algorithm) -> Scheme:
    """RSASSA-PSS-params (RFC 4055 §3.1). Every default there is SHA-1's, hence outside the list if absent."""
    what = "rsassa-pss parameters"
    if algorithm.parameters is None:
        raise OutsideTheList("rsassa-pss without parameters means SHA-1")
    fields = Fields(algorithm.parameters, what)
    digest, mgf, salt, trailer = (fields.optional(0xA0 + number) for number in range(4))
    fields.end()
    if digest is None or mgf is None:
        raise OutsideTheList("rsassa-pss without a digest or mask means SHA-1")
    mask = read_algorithm(mgf.only_child(SEQUENCE, what), what)
    if mask.oid != _MGF1 or mask.parameters is None:
        raise OutsideTheList(f"rsassa-pss mask {mask.oid} is not MGF1 with a digest")
    salt_bytes = 20 if salt is None else integer(salt.only_child(INTEGER, what), what)
    if trailer is not None and integer(trailer.only_child(INTEGER, what), what) != 1:
        raise OutsideTheList("rsassa-pss trailer is not 1")
    if not 0 <= salt_bytes <= MAX_SALT_BYTES:
        raise DerError(f"read {what}: expected a salt of 0 to {MAX_SALT_BYTES} bytes, got {salt_bytes}")
    return Scheme(
        Family.PSS,
        listed_digest(read_algorithm(digest.only_child(SEQUENCE, what), what)),
        listed_digest(read_algorithm(mask.parameters, what)),
        salt_bytes,
    )


def listed_key(certificate: x509.Certificate) -> PublicKey:
    """The certificate's public key, if its type and size are listed; raises OutsideTheList."""
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise OutsideTheList("the certificate's key cannot be read") from error
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise OutsideTheList(f"rsa key has {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}")
        if key.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS:
            raise OutsideTheList(f"rsa key has an exponent of more than {MAX_RSA_EXPONENT_BITS} bits")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < MIN_EC_BITS:
            raise OutsideTheList(f"elliptic curve key has {key.curve.key_size} bits, not at least {MIN_EC_BITS}")
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise OutsideTheList("the certificate's key is not rsa, elliptic curve or ed25519")


def check_signature(key: PublicKey, scheme: Scheme, signature: bytes, data: bytes) -> None:
    """Checks `signature` over `data`; raises InvalidSignature, also where the key is of another family."""
    digest = DIGESTS[scheme.digest]
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme.family is Family.PKCS1:
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif isinstance(key, rsa.RSAPublicKey) and scheme.family is Family.PSS:
            mask = padding.MGF1(DIGESTS[scheme.mgf_digest])
            key.verify(signature, data, padding.PSS(mask, scheme.salt_bytes), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme.family is Family.ECDSA:
            key.verify(signature, data, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey) and scheme.family is Family.ED25519:
            key.verify(signature, data)
        else:
            raise InvalidSignature(f"{scheme.family.value} is not what this key signs")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # a salt too long for the key, and the like
        raise InvalidSignature("the signature does not fit its key") from error
