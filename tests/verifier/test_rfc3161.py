"""verifier.rfc3161: each fault of time.md injected alone into a token that is otherwise right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.verifier import certificate_forge as certs
from tests.verifier import token_forge as forge
from tests.verifier.token_forge import STAMPED, Recipe, algorithm, attribute, integer, octets, oid, sequence, tlv
from verifier.errors import BadTimestamp
from verifier.rfc3161 import DEVELOPMENT_POLICY, Token, authorities_of, check_token, parse_response, uncounted_reason

ROOT = certs.authority("root")
SIGNER = certs.stamper(ROOT)
OTHER = certs.stamper(ROOT, own_key=certs.key("p256", 3), subject="other stamper")
GOOD = Recipe(SIGNER)
ANCHORS = {"a.pem": [ROOT.certificate]}
GEN_TIME_US = 1_704_067_200 * 1_000_000


def accepted(recipe: Recipe) -> Token:
    token = parse_response(forge.forge(recipe))
    check_token(token, STAMPED)
    return token


def refused(recipe: Recipe, why: str) -> None:
    with pytest.raises(BadTimestamp, match=why):
        check_token(parse_response(forge.forge(recipe)), STAMPED)


def test_a_right_token_says_what_it_says() -> None:
    token = accepted(GOOD)
    assert uncounted_reason(token) is None
    assert authorities_of(token, ANCHORS, []) == ["a.pem"]
    assert token.raw == forge.forge(GOOD.but(signature=token._signed.signature))
    assert (token.gen_time_us, token.accuracy_us) == (GEN_TIME_US, 1_000_000)
    assert (token.policy, token.serial, token.imprint_algorithm) == (forge.POLICY, 42, forge.SHA256)
    assert token.imprint == forge.digest_of(forge.SHA256, STAMPED)
    assert token.signer == SIGNER.certificate and token.certificates == (SIGNER.certificate,)


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("digest", [forge.SHA256, forge.SHA384, forge.SHA512])
def test_every_listed_algorithm_counts_and_its_signature_is_checked(kind: str, digest: str) -> None:
    signer = certs.stamper(ROOT, own_key=certs.key(kind))
    for scheme in ("", "pss", "bare") if kind.startswith("rsa") else ("",):
        recipe = Recipe(signer, digest=digest, scheme=scheme)
        recipe = recipe.but(ess=(forge.ess_v2(forge.ess_cert_id(signer.der, digest)),))
        token = accepted(recipe)
        assert uncounted_reason(token) is None
        good = token._signed.signature
        refused(recipe.but(signature=good[:-1] + bytes((good[-1] ^ 1,))), "the signature")
        refused(recipe.but(signature=good[:-1]), "the signature")
        refused(recipe.but(signature=b""), "the signature")


def test_a_signer_named_by_key_identifier_and_attributes_in_any_order() -> None:
    for recipe in (GOOD.but(by_key_identifier=True), GOOD.but(sorted_attributes=False)):
        assert uncounted_reason(accepted(recipe)) is None
    assert uncounted_reason(accepted(GOOD.but(digest_parameters=b"\x05\x00"))) is None


@pytest.mark.parametrize(("fraction", "us", "finer"), [
    (b"", 0, 0), (b".5", 500_000, 0), (b".000001", 1, 0), (b".0000001", 0, 1), (b".1234567", 123_456, 1),
])  # fmt: skip
def test_fractions_of_gen_time(fraction: bytes, us: int, finer: int) -> None:
    token = accepted(GOOD.but(gen_time=b"20240101000000" + fraction + b"Z", accuracy=sequence(integer(2))))
    assert token.gen_time_us == GEN_TIME_US + us
    assert token.accuracy_us == 2_000_000 + finer


@pytest.mark.parametrize(("parts", "us"), [
    ([], 0), ([integer(3)], 3_000_000), ([integer(999, 0x80)], 999_000), ([integer(1, 0x81)], 1),
    ([integer(0), integer(2, 0x80), integer(3, 0x81)], 2_003),
])  # fmt: skip
def test_accuracy(parts: list[bytes], us: int) -> None:
    assert accepted(GOOD.but(accuracy=sequence(*parts))).accuracy_us == us


NULL = b"\x05\x00"
EXTENSION = sequence(oid("1.2.3"), octets(b""))
UNPARSED: dict[str, Recipe] = {
    "status 2": GOOD.but(status=sequence(integer(2))),
    "status 5": GOOD.but(status=sequence(integer(5))),
    "status -1": GOOD.but(status=sequence(integer(-1))),
    "bytes after": GOOD.but(tail=b"\x00"),
    "version 2": GOOD.but(info_version=2),
    "version 0": GOOD.but(info_version=0),
    "content id-data": GOOD.but(content_type="1.2.840.113549.1.7.1"),
    "no signer": GOOD.but(signers=0),
    "two signers": GOOD.but(signers=2),
    "no such day": GOOD.but(gen_time=b"20240230000000Z"),
    "no year 0": GOOD.but(gen_time=b"00000101000000Z"),
    "no zone": GOOD.but(gen_time=b"20240101000000"),
    "a zone": GOOD.but(gen_time=b"20240101000000+0600"),
    "no seconds": GOOD.but(gen_time=b"202401010000Z"),
    "trailing zero": GOOD.but(gen_time=b"20240101000000.10Z"),
    "empty fraction": GOOD.but(gen_time=b"20240101000000.Z"),
    "comma": GOOD.but(gen_time=b"20240101000000,5Z"),
    "digits of another script": GOOD.but(gen_time="2024010100000０Z".encode()),
    "beyond the calendar": GOOD.but(gen_time=b"99991231235959Z"),
    "accuracy beyond the calendar": GOOD.but(accuracy=sequence(integer(10**30))),
    "negative accuracy": GOOD.but(accuracy=sequence(integer(-1))),
    "millis 0": GOOD.but(accuracy=sequence(integer(0, 0x80))),
    "millis 1000": GOOD.but(accuracy=sequence(integer(1000, 0x80))),
    "micros 0": GOOD.but(accuracy=sequence(integer(0, 0x81))),
    "micros 1000": GOOD.but(accuracy=sequence(integer(1000, 0x81))),
    "micros before millis": GOOD.but(accuracy=sequence(integer(1, 0x81), integer(1, 0x80))),
    "ordering 1": GOOD.but(info_tail=tlv(0x01, b"\x01")),
    "unknown member": GOOD.but(info_tail=tlv(0xA2)),
    "nonce before ordering": GOOD.but(info_tail=integer(1) + tlv(0x01, b"\xff")),
    "tstinfo and more": GOOD.but(info=forge.tst_info(GOOD) + b"\x00"),
    "no tstinfo": GOOD.but(info=b""),
    "two ESSCertIDv2": GOOD.but(ess=(forge.ess_v2(forge.ess_cert_id(SIGNER.der)),) * 2),
    "ESSCertIDv2 with two values": GOOD.but(ess=(attribute(forge.ESS_V2, sequence(sequence()), NULL),)),
    "ESSCertIDv2 of nothing": GOOD.but(ess=(forge.ess_v2(),)),
    "ESSCertIDv2 that is none": GOOD.but(ess=(attribute(forge.ESS_V2, NULL),)),
}


@pytest.mark.parametrize("case", UNPARSED)
def test_what_cannot_be_parsed_is_bad(case: str) -> None:
    with pytest.raises(BadTimestamp):
        parse_response(forge.forge(UNPARSED[case]))


def test_members_without_meaning_change_nothing() -> None:
    tails = [
        integer(7), tlv(0x01, b"\xff"), tlv(0x01, b"\x00"), tlv(0x01, b"\xff") + integer(2**63),
        tlv(0xA0, tlv(0x82, b"tsa.example")), tlv(0xA1, EXTENSION),
    ]  # fmt: skip
    for tail in tails:
        assert uncounted_reason(accepted(GOOD.but(info_tail=tail))) is None
    for status in (sequence(integer(1)), sequence(integer(0), sequence(tlv(0x0C, b"fine")), tlv(0x03, b"\x00\x80"))):
        assert uncounted_reason(accepted(GOOD.but(status=status))) is None


DIGEST = forge.digest_of(forge.SHA256, forge.tst_info(GOOD))
ESS = forge.ess_cert_id(SIGNER.der)
WITH_SERIAL: Callable[..., bytes] = lambda **how: forge.ess_v2(  # noqa: E731 - a table's shorthand
    forge.ess_cert_id(SIGNER.der, issuer_serial=forge.ess_issuer_serial(SIGNER.certificate, **how))
)
BAD: dict[str, tuple[Recipe, str]] = {
    "imprint of other bytes": (GOOD.but(imprint=bytes(32)), "imprint"),
    "imprint cut": (GOOD.but(imprint=forge.digest_of(forge.SHA256, STAMPED)[:31]), "imprint"),
    "imprint with SHA-512": (
        GOOD.but(imprint_digest=forge.SHA512, imprint=forge.digest_of(forge.SHA512, STAMPED)), "expected SHA-256"),
    "no signed attributes": (GOOD.but(signed_attributes=False), "content type and message digest"),
    "no content type": (GOOD.but(content_type_attribute=()), "content type"),
    "another content type": (
        GOOD.but(content_type_attribute=(attribute(forge.CONTENT_TYPE, oid("1.2.840.113549.1.7.1")),)), "content type"),
    "content type no oid": (GOOD.but(content_type_attribute=(attribute(forge.CONTENT_TYPE, NULL),)), "content type"),
    "content type twice": (
        GOOD.but(content_type_attribute=(attribute(forge.CONTENT_TYPE, oid(forge.TST_INFO)),) * 2), "once"),
    "two content types in one": (GOOD.but(
        content_type_attribute=(attribute(forge.CONTENT_TYPE, oid(forge.TST_INFO), oid("1.2.3")),)), "once"),
    "no message digest": (GOOD.but(message_digest_attribute=()), "message digest"),
    "another message digest": (
        GOOD.but(message_digest_attribute=(attribute(forge.MESSAGE_DIGEST, octets(bytes(32))),)), "message digest"),
    "message digest twice": (
        GOOD.but(message_digest_attribute=(attribute(forge.MESSAGE_DIGEST, octets(DIGEST)),) * 2), "once"),
    "message digest no octets": (
        GOOD.but(message_digest_attribute=(attribute(forge.MESSAGE_DIGEST, NULL),)), "message digest"),
    "ESSCertIDv2 of another": (
        GOOD.but(ess=(forge.ess_v2(forge.ess_cert_id(OTHER.der)),), chain=(OTHER.der,)), "signing certificate"),
    "ESSCertIDv2 of another first": (
        GOOD.but(ess=(forge.ess_v2(forge.ess_cert_id(OTHER.der), ESS),)), "signing certificate"),
    "ESSCertID of another": (GOOD.but(ess=(
        forge.ess_v1(forge.ess_cert_id(OTHER.der, forge.SHA1)), forge.ess_v2(ESS))), "signing certificate"),
    "ESSCertID alone, of another": (
        GOOD.but(ess=(forge.ess_v1(forge.ess_cert_id(OTHER.der, forge.SHA1)),)), "signing certificate"),
    "ESSCertIDv2, another serial": (GOOD.but(ess=(WITH_SERIAL(serial=1),)), "signing certificate"),
    "ESSCertIDv2, another issuer": (GOOD.but(ess=(WITH_SERIAL(issuer=certs.name("x")),)), "signing certificate"),
    "signed by another key": (GOOD.but(signer=certs.Holder(SIGNER.certificate, OTHER.key)), "signature"),
    "an rsa algorithm with an ec key": (
        GOOD.but(signature_algorithm=algorithm("1.2.840.113549.1.1.11", NULL)), "signature"),
    "no signature": (GOOD.but(signature=b""), "signature"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_time_md_calls_bad(case: str) -> None:
    refused(*BAD[case])


def test_an_issuer_and_serial_that_agree_are_taken() -> None:
    assert uncounted_reason(accepted(GOOD.but(ess=(WITH_SERIAL(),)))) is None
    both = (forge.ess_v1(forge.ess_cert_id(SIGNER.der, forge.SHA1)), forge.ess_v2(ESS))
    assert uncounted_reason(accepted(GOOD.but(ess=both))) is None


def test_other_bytes_than_the_stamped_are_bad() -> None:
    token = accepted(GOOD)
    for other in (b"", STAMPED[:-1], STAMPED + b"\n", STAMPED.replace(b"7", b"8")):
        with pytest.raises(BadTimestamp, match="imprint"):
            check_token(token, other)


def stamped_by(**how: Any) -> Recipe:
    return Recipe(certs.stamper(ROOT, **how))


POLICIES = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(DEVELOPMENT_POLICY), None)])
WEAK = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
WIDE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING])
CODE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
BROKEN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.32"), b"\x30\x02\xff\xff")
UNCOUNTED: dict[str, tuple[Callable[[], Recipe], str]] = {
    "no certificates": (lambda: GOOD.but(with_certificates=False), "not in the token"),
    "another's certificate only": (lambda: GOOD.but(with_signer=False, chain=(OTHER.der,)), "not in the token"),
    "no ESSCertIDv2": (lambda: GOOD.but(ess=()), "ESSCertIDv2"),
    "ESSCertID alone": (
        lambda: GOOD.but(ess=(forge.ess_v1(forge.ess_cert_id(SIGNER.der, forge.SHA1)),)), "no ESSCertIDv2"),
    "ESSCertIDv2 with SHA-1": (lambda: GOOD.but(
        ess=(forge.ess_v2(forge.ess_cert_id(SIGNER.der, forge.SHA1, shown=algorithm(forge.SHA1))),)), "digest"),
    "ESSCertIDv2 with an unknown digest": (
        lambda: GOOD.but(ess=(forge.ess_v2(forge.ess_cert_id(SIGNER.der, shown=algorithm("1.2.3"))),)), "1.2.3"),
    "SHA-1 throughout": (lambda: stamped_by(own_key=certs.key("rsa2048")).but(digest=forge.SHA1), "digest"),
    "rsa of 1,024 bits": (lambda: stamped_by(own_key=certs.key("rsa1024")), "1024 bits"),
    "a curve of 224 bits": (lambda: stamped_by(own_key=certs.key("p224")), "224 bits"),
    "ed448": (lambda: stamped_by(own_key=certs.key("ed448")), "rely|relied"),
    "unknown signature algorithm": (lambda: GOOD.but(signature_algorithm=algorithm("1.2.3")), "1.2.3"),
    "signature with another digest": (
        lambda: GOOD.but(signature_algorithm=algorithm("1.2.840.10045.4.3.4")), "differs"),
    "pss without parameters": (lambda: stamped_by(own_key=certs.key("rsa2048")).but(
        signature_algorithm=algorithm("1.2.840.113549.1.1.10")), "SHA-1"),
    "pss with defaults": (lambda: stamped_by(own_key=certs.key("rsa2048")).but(
        signature_algorithm=algorithm("1.2.840.113549.1.1.10", sequence())), "SHA-1"),
    "no extendedKeyUsage": (lambda: stamped_by(purposes=None), "extendedKeyUsage"),
    "not critical": (lambda: stamped_by(purposes=(WEAK, False)), "extendedKeyUsage"),
    "a second purpose": (lambda: stamped_by(purposes=(WIDE, True)), "extendedKeyUsage"),
    "another purpose": (lambda: stamped_by(purposes=(CODE, True)), "extendedKeyUsage"),
    "development policy": (lambda: GOOD.but(policy=DEVELOPMENT_POLICY), "not independent"),
    "development policy of the signer": (lambda: stamped_by(more=[(POLICIES, False)]), "not independent"),
    "an extension that must be known": (lambda: GOOD.but(
        info_tail=tlv(0xA1, sequence(oid("1.2.3"), tlv(0x01, b"\xff"), octets(b"")))), "critical extension 1.2.3"),
    "broken extensions": (lambda: stamped_by(more=[(BROKEN, False)]), "cannot be relied on"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCOUNTED)
def test_what_is_not_bad_and_does_not_count(case: str) -> None:
    make, why = UNCOUNTED[case]
    reason = uncounted_reason(accepted(make()))
    assert reason is not None and why.split("|")[-1] in reason


def test_unreadable_certificates_beside_the_signers_are_ignored() -> None:
    junk = (sequence(b"\x05\x00"), tlv(0xA1, integer(1)), SIGNER.der[:-1] + bytes((SIGNER.der[-1] ^ 1,)))
    token = accepted(GOOD.but(chain=junk))
    assert token.signer == SIGNER.certificate
    assert uncounted_reason(token) is None


def test_a_look_alike_before_the_signer_does_not_hide_it() -> None:
    shape = x509.CertificateBuilder().subject_name(SIGNER.certificate.subject).issuer_name(SIGNER.certificate.issuer)
    shape = shape.serial_number(SIGNER.certificate.serial_number).public_key(OTHER.key.public_key())
    shape = shape.not_valid_before(certs.START).not_valid_after(certs.END)
    look_alike = shape.sign(certs.key("p256", 9), hashes.SHA256()).public_bytes(Encoding.DER)
    token = accepted(GOOD.but(with_signer=False, chain=(look_alike, SIGNER.der)))
    assert len(token.certificates) == 2 and token.signer == SIGNER.certificate
    refused(GOOD.but(with_signer=False, chain=(look_alike,)), "signing certificate")


def test_validity_ends_with_the_last_second_and_not_after() -> None:
    signer = certs.stamper(ROOT, end=datetime(2024, 1, 1, tzinfo=UTC))
    for gen_time, names in (
        (b"20240101000000Z", ["a.pem"]),
        (b"20240101000000.0000001Z", []),
        (b"20240101000001Z", []),
    ):
        assert authorities_of(accepted(Recipe(signer, gen_time=gen_time)), ANCHORS, []) == names
    early = certs.stamper(ROOT, start=datetime(2024, 1, 1, tzinfo=UTC))
    for gen_time, names in ((b"20240101000000Z", ["a.pem"]), (b"20231231235959.9999999Z", [])):
        assert authorities_of(accepted(Recipe(early, gen_time=gen_time)), ANCHORS, []) == names
