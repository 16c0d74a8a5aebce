"""verifier.certificate_path: which anchors a token's signer leads to, and what every issuer on the way must be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.verifier import certificate_forge as certs
from tests.verifier import token_forge as forge
from verifier import certificate_path
from verifier.certificate_path import MAX_CERTIFICATES, MAX_INTERMEDIATES_IN_PATH, MAX_SIGNATURE_CHECKS
from verifier.errors import BadTimestamp
from verifier.rfc3161 import authorities_of, check_token, parse_response, uncounted_reason

ROOT = certs.authority("root", own_key=certs.key("p256", 10))
MIDDLE = certs.authority("middle", ROOT, own_key=certs.key("p256", 11))
SIGNER = certs.stamper(MIDDLE)
AT_2023, AT_2025 = (datetime(year, 1, 1, tzinfo=UTC) for year in (2023, 2025))  # tokens are made at 2024-01-01


def names(
    signer: certs.Holder,
    anchors: dict[str, Sequence[certs.Holder]],
    beside: Sequence[certs.Holder] = (),
    inside: Sequence[certs.Holder] = (),
) -> list[str]:
    token = parse_response(forge.forge(forge.Recipe(signer, chain=tuple(one.der for one in inside))))
    check_token(token, forge.STAMPED)
    trusted = {name: [one.certificate for one in holders] for name, holders in anchors.items()}
    return authorities_of(token, trusted, [one.certificate for one in beside])


def test_an_anchor_may_be_the_signer_an_intermediate_or_a_root() -> None:
    for anchor in (SIGNER, MIDDLE, ROOT):
        assert names(SIGNER, {"a": [anchor]}, beside=[MIDDLE]) == ["a"]
        assert names(SIGNER, {"a": [anchor]}, inside=[MIDDLE]) == ["a"]
    assert names(SIGNER, {"a": [SIGNER]}) == names(SIGNER, {"a": [MIDDLE]}) == ["a"]
    assert names(SIGNER, {"a": [ROOT]}) == []
    assert names(SIGNER, {}) == names(SIGNER, {"a": []}) == []


def test_what_lies_beside_is_believed_for_nothing() -> None:
    assert names(SIGNER, {"b": [certs.authority("stranger")]}, beside=[MIDDLE, ROOT], inside=[MIDDLE, ROOT]) == []


def test_anchors_of_two_files_are_both_named_whoever_brings_the_middle() -> None:
    assert names(SIGNER, {"b": [ROOT], "a": [MIDDLE]}, beside=[MIDDLE]) == ["a", "b"]
    assert names(SIGNER, {"b": [ROOT], "a": [MIDDLE]}) == ["a", "b"]
    assert names(SIGNER, {"b": [ROOT], "a": [SIGNER], "c": []}, beside=[MIDDLE]) == ["a", "b"]
    assert names(SIGNER, {"a": [SIGNER, MIDDLE, ROOT], "b": [certs.authority("stranger")]}) == ["a"]


def test_an_intermediate_of_two_roots_leads_to_both() -> None:
    second = certs.authority("second root", own_key=certs.key("p256", 12))
    crossed = certs.authority("middle", second, own_key=certs.key("p256", 11))
    assert names(SIGNER, {"a": [ROOT], "b": [second]}, beside=[crossed, MIDDLE]) == ["a", "b"]
    assert names(SIGNER, {"a": [ROOT], "b": [second]}, beside=[crossed]) == ["b"]


UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
BROKEN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.32"), b"\x30\x02\xff\xff"), False)
CONSTRAINED = (x509.NameConstraints([x509.DirectoryName(certs.name("stamper"))], None), True)
POLICY_CONSTRAINED = (x509.PolicyConstraints(0, None), True)
TLS_ONLY = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
ISSUER_FAULTS: dict[str, dict[str, Any]] = {
    "not a ca": {"ca": False},
    "may not sign certificates": {"signs": False},
    "ended": {"end": AT_2023},
    "not begun": {"start": AT_2025},
    "unknown critical extension": {"more": [UNKNOWN]},
    "broken extension": {"more": [BROKEN]},
    "critical name constraints": {"more": [CONSTRAINED]},
    "critical policy constraints": {"more": [POLICY_CONSTRAINED]},
    "for tls only": {"more": [TLS_ONLY]},
    "rsa of 1,024 bits": {"own_key": certs.key("rsa1024")},
    "a curve of 224 bits": {"own_key": certs.key("p224")},
    "ed448": {"own_key": certs.key("ed448")},
}


@pytest.mark.parametrize("fault", ISSUER_FAULTS)
def test_an_issuer_with_a_fault_issues_nothing(fault: str) -> None:
    faulty: dict[str, Any] = {"own_key": certs.key("p256", 11), **ISSUER_FAULTS[fault]}
    middle = certs.authority("middle", ROOT, **faulty)
    signer = certs.stamper(middle)
    assert names(signer, {"a": [ROOT]}, beside=[middle]) == []
    assert names(signer, {"a": [middle]}) == []  # not as an anchor either
    root = certs.authority("root", **faulty)
    below = certs.authority("middle", root, own_key=certs.key("p256", 11))
    assert names(certs.stamper(below), {"a": [root]}, beside=[below]) == []
    assert names(certs.stamper(below), {"a": [root, below]}) == ["a"]  # the anchor that does not need it


def test_extensions_that_are_not_critical_or_fit_are_taken() -> None:
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.TIME_STAMPING])
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)])
    for more in ((UNKNOWN[0], False), (CONSTRAINED[0], False), (purposes, True), (anything, True), (policies, True)):
        middle = certs.authority("middle", ROOT, own_key=certs.key("p256", 11), more=[more])
        assert names(certs.stamper(middle), {"a": [ROOT]}, beside=[middle]) == ["a"]
    bare = certs.certify("middle", ROOT, certs.key("p256", 11), [(x509.BasicConstraints(True, None), False)])
    assert names(certs.stamper(bare), {"a": [ROOT]}, beside=[bare]) == ["a"]  # no keyUsage, no restriction
    nothing = certs.certify("middle", ROOT, certs.key("p256", 11), [])
    assert names(certs.stamper(nothing), {"a": [ROOT]}, beside=[nothing]) == []


SIGNER_FAULTS: dict[str, dict[str, Any]] = {
    "ended": {"end": AT_2023},
    "not begun": {"start": AT_2025},
    "unknown critical extension": {"more": [UNKNOWN]},
    "broken extension": {"more": [BROKEN]},
    "may not sign data": {"key_usage": certs.usage(key_encipherment=True)},
}


@pytest.mark.parametrize("fault", SIGNER_FAULTS)
def test_a_signer_with_a_fault_has_no_path_even_as_its_own_anchor(fault: str) -> None:
    signer = certs.stamper(MIDDLE, **SIGNER_FAULTS[fault])
    assert names(signer, {"a": [ROOT], "b": [signer]}, beside=[MIDDLE]) == []


def test_a_signer_for_content_commitment_alone() -> None:
    assert names(certs.stamper(MIDDLE, key_usage=certs.usage(content_commitment=True)), {"a": [MIDDLE]}) == ["a"]


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "ed25519"])
def test_links_of_every_listed_kind_and_what_a_wrong_signature_does(kind: str) -> None:
    root = certs.authority("root", own_key=certs.key(kind))
    assert names(certs.stamper(root), {"a": [root]}) == ["a"]
    other = certs.authority("root", own_key=certs.key("p256", 13))
    assert names(certs.stamper(other), {"a": [root]}) == []
    assert names(certs.stamper(root, signing_key=certs.key("p256", 14)), {"a": [root]}) == []


def test_links_with_a_digest_outside_the_list() -> None:
    root = certs.authority("root", own_key=certs.key("rsa2048"))
    for digest, found in ((hashes.SHA512(), ["a"]), (hashes.SHA3_256(), []), (hashes.SHA224(), [])):
        assert names(certs.stamper(root, digest=digest), {"a": [root]}) == found


def test_a_link_with_sha1_counts_for_nothing() -> None:
    """`cryptography` signs no SHA-1 certificate any more, so its outer parts are put together here."""
    root = certs.authority("root", own_key=certs.key("rsa2048"))
    right = certs.stamper(root)
    sha256, sha1 = (forge.algorithm(f"1.2.840.113549.1.1.{n}", b"\x05\x00") for n in (11, 5))
    signed = right.certificate.tbs_certificate_bytes
    body = signed[4:].replace(sha256, sha1)
    for own, digest, found in ((signed, "SHA256", ["a"]), (forge.tlv(0x30, body), "SHA1", [])):
        key = root.key
        assert isinstance(key, rsa.RSAPrivateKey)
        signature = key.sign(own, padding.PKCS1v15(), getattr(hashes, digest)())
        outer = forge.sequence(own, sha256 if found else sha1, forge.tlv(0x03, b"\x00", signature))
        holder = certs.Holder(x509.load_der_x509_certificate(outer), right.key)
        assert names(holder, {"a": [root]}) == found


def ladder(lengths: Sequence[int | None]) -> list[certs.Holder]:
    """A root and intermediates, from the top, with these path lengths."""
    holders: list[certs.Holder] = []
    for number, length in enumerate(lengths):
        above = holders[-1] if holders else None
        key = certs.key("p256", 20 + number)
        holders.append(certs.authority(f"rung {number}", above, own_key=key, path_length=length))
    return holders


@pytest.mark.parametrize(("lengths", "found"), [
    ([2, 1, 0], ["a"]), ([1, 1, 0], []), ([2, 0, 0], []), ([None, 1, None], ["a"]), ([0, None], []), ([1, None], ["a"]),
    ([0], ["a"]),
])  # fmt: skip
def test_path_lengths(lengths: list[int | None], found: list[str]) -> None:
    holders = ladder(lengths)
    assert names(certs.stamper(holders[-1]), {"a": [holders[0]]}, beside=holders[1:]) == found


def test_self_issued_intermediates_do_not_count_towards_a_path_length() -> None:
    root = certs.authority("root", own_key=certs.key("p256", 30), path_length=0)
    renewed = certs.authority("root", root, own_key=certs.key("p256", 31))
    assert names(certs.stamper(renewed), {"a": [root]}, beside=[renewed]) == ["a"]
    other = certs.authority("not root", root, own_key=certs.key("p256", 31))
    assert names(certs.stamper(other), {"a": [root]}, beside=[other]) == []


def test_the_shortest_path_decides_about_path_lengths() -> None:
    top = certs.authority("top", own_key=certs.key("p256", 32), path_length=1)
    detour = certs.authority("middle", top, own_key=certs.key("p256", 33))
    long = certs.authority("low", detour, own_key=certs.key("p256", 34))
    short = certs.authority("low", top, own_key=certs.key("p256", 34))
    for beside in ([detour, long, short], [short, long, detour]):
        assert names(certs.stamper(long), {"a": [top]}, beside=beside) == ["a"]
    assert names(certs.stamper(long), {"a": [top]}, beside=[detour, long]) == []


def test_the_length_of_a_path_is_bounded() -> None:
    holders = ladder([None] * (MAX_INTERMEDIATES_IN_PATH + 2))
    for top, found in ((1, ["a"]), (0, [])):
        assert names(certs.stamper(holders[-1]), {"a": [holders[top]]}, beside=holders) == found


def look_alikes(number: int, name: Callable[[int], str]) -> list[certs.Holder]:
    own = certs.key("p256", 40)
    return [certs.authority(name(n), issuer_name=name(n + 1), own_key=own, signing_key=own) for n in range(number)]


def test_look_alikes_cost_a_bounded_number_of_signatures() -> None:
    """Every one issued every other: paths without end, were they walked one by one."""
    some = look_alikes(7, lambda n: "crowd")
    signer = certs.stamper(some[0])
    began = time.monotonic()
    assert names(signer, {"a": [ROOT]}, beside=some) == []
    assert names(signer, {"a": [some[5]]}, beside=some) == ["a"]
    with pytest.raises(BadTimestamp, match="signatures"):
        names(signer, {"a": [ROOT]}, beside=look_alikes(MAX_SIGNATURE_CHECKS + 1, lambda n: "crowd"))
    assert time.monotonic() - began < 30


def test_more_certificates_than_any_bundle_needs_are_refused() -> None:
    token = parse_response(forge.forge(forge.Recipe(SIGNER)))
    crowd = [MIDDLE.certificate] * (MAX_CERTIFICATES - 2)
    assert authorities_of(token, {"a": [ROOT.certificate]}, crowd) == ["a"]
    with pytest.raises(BadTimestamp, match="certificates"):
        authorities_of(token, {"a": [ROOT.certificate]}, [*crowd, MIDDLE.certificate])


def test_names_agree_whatever_their_case_blanks_and_string_types() -> None:
    loud = certs.authority("ROOT   ca", own_key=certs.key("p256", 50))
    signer = certs.stamper(loud, issuer_name="root ca")
    assert names(signer, {"a": [loud]}) == ["a"]
    assert names(certs.stamper(loud, issuer_name="rootca"), {"a": [loud]}) == []


def test_a_curve_of_256_bits_that_is_not_nists() -> None:
    signer = certs.stamper(ROOT, own_key=ec.generate_private_key(ec.SECP256K1()))
    token = parse_response(forge.forge(forge.Recipe(signer)))
    check_token(token, forge.STAMPED)
    assert uncounted_reason(token) is None
    assert certificate_path.anchors_reached(signer.certificate, (0, 0), {"a": [ROOT.certificate]}, []) == []
