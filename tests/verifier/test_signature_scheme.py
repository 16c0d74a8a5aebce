"""verifier.signature_scheme: which algorithm identifiers are listed, and what a signature that does not fit does."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.verifier import certificate_forge as certs
from tests.verifier.token_forge import SHA1, SHA256, SHA384, algorithm, integer, sequence, tlv
from verifier.der import DerError, read_der
from verifier.signature_scheme import (
    Algorithm,
    Family,
    OutsideTheList,
    Scheme,
    check_signature,
    listed_digest,
    listed_key,
    read_algorithm,
    scheme_of,
)

NULL = b"\x05\x00"
PSS, MGF1, RSA = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.2.840.113549.1.1.1"
DIGEST = tlv(0xA0, algorithm(SHA256, NULL))
MASK = tlv(0xA1, algorithm(MGF1, algorithm(SHA256, NULL)))


def identifier(raw: bytes) -> Algorithm:
    return read_algorithm(read_der(raw), "algorithm")


def pss(*parts: bytes) -> Algorithm:
    return identifier(algorithm(PSS, sequence(*parts)))


def test_pss_parameters_in_the_list() -> None:
    assert scheme_of(pss(DIGEST, MASK), SHA256) == Scheme(Family.PSS, SHA256, SHA256, 20)
    salted = pss(DIGEST, MASK, tlv(0xA2, integer(64)), tlv(0xA3, integer(1)))
    assert scheme_of(salted, None) == Scheme(Family.PSS, SHA256, SHA256, 64)


@pytest.mark.parametrize("parts", [
    (), (DIGEST,), (MASK,), (tlv(0xA0, algorithm(SHA1, NULL)), MASK),
    (DIGEST, tlv(0xA1, algorithm(MGF1, algorithm(SHA1, NULL)))), (DIGEST, tlv(0xA1, algorithm(MGF1))),
    (DIGEST, tlv(0xA1, algorithm("1.2.3", algorithm(SHA256, NULL)))), (DIGEST, MASK, tlv(0xA3, integer(2))),
])  # fmt: skip
def test_pss_parameters_outside_the_list(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(OutsideTheList):
        scheme_of(pss(*parts), None)


@pytest.mark.parametrize("parts", [
    (DIGEST, MASK, tlv(0xA2, integer(-1))), (DIGEST, MASK, tlv(0xA2, integer(4096))), (MASK, DIGEST),
    (DIGEST, MASK, NULL), (DIGEST, MASK, tlv(0xA2, integer(1), integer(1))), (DIGEST, tlv(0xA1, NULL)),
])  # fmt: skip
def test_pss_parameters_that_are_none(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(DerError):
        scheme_of(pss(*parts), None)


def test_a_bare_rsa_algorithm_signs_messages_and_no_certificates() -> None:
    assert scheme_of(identifier(algorithm(RSA, NULL)), SHA384) == Scheme(Family.PKCS1, SHA384)
    with pytest.raises(OutsideTheList):
        scheme_of(identifier(algorithm(RSA, NULL)), None)


def test_parameters_other_than_null_are_outside_the_list() -> None:
    with pytest.raises(OutsideTheList):
        listed_digest(identifier(algorithm(SHA256, sequence())))
    with pytest.raises(OutsideTheList):
        scheme_of(identifier(algorithm("1.2.840.10045.4.3.2", sequence())), None)
    with pytest.raises(DerError):
        identifier(algorithm(SHA256, NULL + NULL))


def test_a_signature_that_cannot_fit_its_key_is_invalid() -> None:
    key = certs.key("rsa2048")
    assert isinstance(key, rsa.RSAPrivateKey)
    mask = padding.MGF1(hashes.SHA256())
    signature = key.sign(b"data", padding.PSS(mask, 20), hashes.SHA256())
    check_signature(key.public_key(), Scheme(Family.PSS, SHA256, SHA256, 20), signature, b"data")
    for salt in (21, 222, 223, 2048):
        with pytest.raises(InvalidSignature):
            check_signature(key.public_key(), Scheme(Family.PSS, SHA256, SHA256, salt), signature, b"data")
    for family in (Family.PKCS1, Family.ECDSA, Family.ED25519):
        with pytest.raises(InvalidSignature):
            check_signature(key.public_key(), Scheme(family, SHA256), signature, b"data")


def test_an_exponent_that_makes_each_check_cost_milliseconds_is_not_listed() -> None:
    """A bundle of a megabyte held enough full-length exponents to keep a reader waiting for minutes."""
    key = certs.key("rsa2048")
    assert isinstance(key, rsa.RSAPrivateKey)
    modulus = key.public_key().public_numbers().n
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "slow")])
    for bits, listed in ((64, True), (65, False), (2047, False)):
        public = rsa.RSAPublicNumbers((1 << bits - 1) | 1, modulus).public_key()
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1).public_key(public)
        day = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
        certificate = builder.not_valid_before(day).not_valid_after(day.replace(year=2030)).sign(key, hashes.SHA256())
        if listed:
            assert listed_key(certificate)
        else:
            with pytest.raises(OutsideTheList, match="exponent"):
                listed_key(certificate)
