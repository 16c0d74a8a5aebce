"""Certificates for tests, good and bad. Knows nothing of the ledger or the verifier, so both may be tested with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
ENDS = datetime(2060, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@cache
def _rsa(bits: int, number: int) -> rsa.RSAPrivateKey:
    """RSA keys take long to make; the same number means the same key."""
    return rsa.generate_private_key(65537, bits)


def new_key(kind: str, number: int = 0) -> PrivateKey:
    """A throwaway key: "p256", "p384", "p224", "ed25519", "rsa2048", "rsa1024" (RSA: the same for the same number)."""
    curves: dict[str, ec.EllipticCurve] = {"p224": ec.SECP224R1(), "p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return _rsa(int(kind.removeprefix("rsa")), number)


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def make_issuer(
    common_name: str,
    by: Identity | None = None,
    *,
    authority: bool = True,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    may_certify: bool = True,
    begins: datetime = BEGINS,
    ends: datetime = ENDS,
) -> Identity:
    """A root, or an intermediate where `by` is given. `authority` False leaves basicConstraints out."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(common_name, key, by, begins, ends)
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    builder = builder.add_extension(_key_usage(signs=not may_certify, certifies=may_certify), critical=True)
    return Identity(builder.sign((by.key if by else key), _hash(by.key if by else key)), key)


def make_signer(
    by: Identity,
    *,
    common_name: str = "Signer",
    kind: str = "p256",
    purposes: Sequence[x509.ObjectIdentifier] = (TIME_STAMPING,),
    critical: bool = True,
    policies: Sequence[str] = (),
    signs: bool = True,
    serial: int | None = None,
    begins: datetime = BEGINS,
    ends: datetime = ENDS,
) -> Identity:
    """A timestamp signer under `by`, or whatever the arguments make of it."""
    key = new_key(kind)
    builder = _builder(common_name, key, by, begins, ends, serial)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=critical)
    if policies:
        stated = [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in policies]
        builder = builder.add_extension(x509.CertificatePolicies(stated), critical=False)
    builder = builder.add_extension(_key_usage(signs=signs, certifies=not signs), critical=True)
    return Identity(builder.sign(by.key, _hash(by.key)), key)


def _builder(
    common_name: str,
    key: PrivateKey,
    by: Identity | None,
    begins: datetime,
    ends: datetime,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(by.certificate.subject if by else name(common_name))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(max(ends, begins + timedelta(seconds=1)))
    )


def _hash(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _key_usage(*, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )
