"""A forge of certificates: roots, intermediates and stampers with exactly the extensions, dates and flaws asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey

START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
_serials = count(1000)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def key(kind: str = "p256", number: int = 0) -> Key:
    """One key for each (kind, number) and run: making RSA keys takes long."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    makers: dict[str, Callable[[], Key]] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }
    return makers[kind]()


@dataclass(frozen=True)
class Holder:
    """A certificate and the key in it."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def usage(**bits: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bits.get(bit, False) for bit in names})


def certify(
    subject: str,
    issuer: Holder | None,
    own_key: Key,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    start: datetime = START,
    end: datetime = END,
    issuer_name: str | None = None,
    signing_key: Key | None = None,
    digest: hashes.HashAlgorithm | None = None,
) -> Holder:
    """A certificate with exactly these extensions; `issuer_name`, `signing_key` and `digest` override what is right."""
    signer = signing_key or (own_key if issuer is None else issuer.key)
    by = name(issuer_name) if issuer_name else (name(subject) if issuer is None else issuer.certificate.subject)
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(by).public_key(own_key.public_key())
    builder = builder.serial_number(next(_serials)).not_valid_before(start).not_valid_after(end)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    plain = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    chosen: Any = None if plain else digest or hashes.SHA256()
    return Holder(builder.sign(signer, chosen), own_key)


def authority(
    subject: str,
    issuer: Holder | None = None,
    *,
    own_key: Key | None = None,
    path_length: int | None = None,
    ca: bool = True,
    signs: bool = True,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **how: Any,
) -> Holder:
    """A root (without `issuer`) or an intermediate."""
    basic = (x509.BasicConstraints(ca, path_length if ca else None), True)
    own = own_key or key("p256", 1)
    extensions = [basic, (usage(key_cert_sign=signs, crl_sign=True), True), *more]
    return certify(subject, issuer, own, extensions, **how)


TIME_STAMPING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)


def stamper(
    issuer: Holder | None,
    *,
    own_key: Key | None = None,
    subject: str = "stamper",
    purposes: tuple[x509.ExtensionType, bool] | None = TIME_STAMPING,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    key_usage: x509.KeyUsage | None = None,
    **how: Any,
) -> Holder:
    """A certificate that signs time stamps."""
    own = own_key or key("p256", 2)
    identifier = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(False, None), True),
        (key_usage or usage(digital_signature=True), True),
        (identifier, False),
        *([purposes] if purposes else []),
        *more,
    ]
    return certify(subject, issuer, own, extensions, **how)
