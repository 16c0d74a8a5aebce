from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core, tsp
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from ledger.attest.development_tsa import (
    BACKDATED,
    DEVELOPMENT_POLICY,
    LIFETIME,
    DevelopmentAuthority,
    DevelopmentMaterial,
    bears_development_policy,
    create_development_authority,
)
from ledger.attest.rfc3161_request import build_request
from ledger.attest.rfc3161_token import TimeStampResp, check_response, parse_response
from ledger.errors import ConfigError, SignatureError, UnavailableError
from tests.fakes.certificate_maker import make_issuer, make_signer
from tests.fakes.openssl_authority import need_openssl, verify_with_openssl
from tests.fakes.token_maker import POLICY, make_request, make_response

NOW = 1_795_252_502_123  # 2026-11-21T09:15:02.123Z
SECONDS = NOW // 1000
"""At which openssl is to look at the certificates: they were made then, whenever these tests run."""
MATERIAL = create_development_authority(NOW)
AUTHORITY = DevelopmentAuthority(MATERIAL, lambda: NOW)


def status_of(response: bytes) -> tuple[str, set[str]]:
    parsed = TimeStampResp.load(response, strict=True)
    assert (parsed["status"]["status"].native == "granted") is (not isinstance(parsed["time_stamp_token"], core.Void))
    return parsed["status"]["status"].native, parsed["status"]["fail_info"].native or set()


def test_a_token_says_what_was_asked_and_when() -> None:
    response, info = AUTHORITY.stamp(b"data")
    assert (info.gen_time_ms, info.earliest_ms, info.latest_ms) == (NOW, NOW - 1000, NOW + 1000)
    assert info.imprint == hashlib.sha256(b"data").digest()
    assert info.policy == DEVELOPMENT_POLICY
    assert 0 < info.serial < 2**159
    assert info == check_response(response, b"data", info.nonce, None, [AUTHORITY.root])
    with pytest.raises(SignatureError, match="imprint"):
        check_response(response, b"other data", info.nonce, None, [AUTHORITY.root])


@pytest.mark.parametrize("milliseconds", [0, 1, 10, 100, 120, 999])
def test_gen_time_keeps_the_clocks_milliseconds(milliseconds: int) -> None:
    now = NOW // 1000 * 1000 + milliseconds
    _, info = DevelopmentAuthority(MATERIAL, lambda: now).stamp(b"data")
    assert info.gen_time_ms == now


def test_every_serial_is_its_own() -> None:
    assert len({AUTHORITY.stamp(b"data")[1].serial for _ in range(20)}) == 20


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_stock_openssl_and_rfc3161_client_verify_it(algorithm: str, tmp_path: Path) -> None:
    imprint = hashlib.new(algorithm, b"data").digest()
    response = AUTHORITY.reply(make_request(imprint, algorithm, cert_req=True, nonce=5))
    verify_with_openssl(response, b"data", MATERIAL.root_pem, tmp_path, at=SECONDS)
    verifier = VerifierBuilder(roots=[AUTHORITY.root], nonce=5).build()
    assert verifier.verify_message(decode_timestamp_response(response), b"data")
    with pytest.raises(subprocess.CalledProcessError):
        verify_with_openssl(response, b"other data", MATERIAL.root_pem, tmp_path, at=SECONDS)
    with pytest.raises(subprocess.CalledProcessError):
        verify_with_openssl(response, b"data", create_development_authority(NOW).root_pem, tmp_path, at=SECONDS)
    with pytest.raises(subprocess.CalledProcessError):
        ended = SECONDS + int(LIFETIME.total_seconds())
        verify_with_openssl(response, b"data", MATERIAL.root_pem, tmp_path, at=ended)


def test_openssls_own_query_is_verified_against_our_answer(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "root.pem").write_bytes(MATERIAL.root_pem)

    def openssl(*arguments: str) -> None:
        need_openssl()
        subprocess.run(["openssl", "ts", *arguments], cwd=tmp_path, capture_output=True, check=True)

    openssl("-query", "-data", "data", "-sha256", "-cert", "-out", "q.tsq")
    (tmp_path / "r.tsr").write_bytes(AUTHORITY.reply((tmp_path / "q.tsq").read_bytes()))
    openssl("-verify", "-queryfile", "q.tsq", "-in", "r.tsr", "-CAfile", "root.pem", "-attime", str(SECONDS))


def test_nobody_can_take_it_for_an_independent_authority() -> None:
    _, info = AUTHORITY.stamp(b"data")
    subject = info.signer.subject.rfc4514_string().lower()
    assert "development" in subject
    assert "not independent of the operator" in subject
    stated = info.signer.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier.dotted_string for policy in stated] == [DEVELOPMENT_POLICY]
    usage = info.signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]


def test_the_policy_is_seen_in_either_place() -> None:
    root = make_issuer("Root")
    plain, marked = make_signer(root), make_signer(root, policies=[POLICY, DEVELOPMENT_POLICY])
    for signer, policy, expected in (
        (plain, POLICY, False),
        (make_signer(root, policies=[POLICY]), POLICY, False),
        (plain, DEVELOPMENT_POLICY, True),
        (marked, POLICY, True),
    ):
        info = parse_response(make_response(signer, b"data", policy=policy)).unverified
        assert bears_development_policy(info) is expected


def test_certificates_and_nonce_come_only_as_asked() -> None:
    digest = hashlib.sha256(b"data").digest()
    bare = tsp.TimeStampResp.load(AUTHORITY.reply(make_request(digest)))["time_stamp_token"]["content"]
    assert bare["certificates"].native is None
    assert tsp.TSTInfo.load(bytes(bare["encap_content_info"]["content"]))["nonce"].native is None
    full = AUTHORITY.reply(make_request(digest, cert_req=True, nonce=2**200))
    assert parse_response(full).unverified.nonce == 2**200


def test_the_policy_may_be_asked_for_by_name() -> None:
    assert status_of(AUTHORITY.reply(build_request(b"data", 1, DEVELOPMENT_POLICY)))[0] == "granted"


REJECTIONS = {
    "another policy": (build_request(b"data", 1, POLICY), "unaccepted_policy"),
    "an old digest": (make_request(bytes(20), "sha1"), "bad_alg"),
    "no request at all": (b"GET / HTTP/1.1", "bad_data_format"),
    "nothing": (b"", "bad_data_format"),
    "a version to come": (make_request(bytes(32), version=2), "bad_request"),
}


@pytest.mark.parametrize(("request_der", "failure"), REJECTIONS.values(), ids=list(REJECTIONS))
def test_what_cannot_be_granted_is_rejected_properly(request_der: bytes, failure: str) -> None:
    response = AUTHORITY.reply(request_der)
    assert status_of(response) == ("rejection", {failure})
    with pytest.raises(UnavailableError, match=failure):
        parse_response(response)


@given(st.binary(max_size=200))
def test_no_input_makes_it_raise(data: bytes) -> None:
    assert status_of(AUTHORITY.reply(data))[0] == "rejection"


@given(st.data())
def test_no_change_of_a_request_makes_it_raise(data: st.DataObject) -> None:
    changed = bytearray(build_request(b"data", 7, DEVELOPMENT_POLICY))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    status, failures = status_of(AUTHORITY.reply(bytes(changed)))
    assert (status == "granted") is (failures == set())


@pytest.mark.parametrize("shift", [-BACKDATED - timedelta(seconds=1), LIFETIME + timedelta(seconds=1)])
def test_outside_its_certificates_time_it_has_no_time(shift: timedelta) -> None:
    moment = datetime.fromtimestamp(NOW // 1000, UTC) + shift
    authority = DevelopmentAuthority(MATERIAL, lambda: int(moment.timestamp()) * 1000)
    assert status_of(authority.reply(build_request(b"data", 1))) == ("rejection", {"time_not_available"})


def test_material_that_does_not_fit_is_refused() -> None:
    other = create_development_authority(NOW)
    with pytest.raises(ConfigError, match="key of its certificate"):
        DevelopmentAuthority(DevelopmentMaterial(other.key_pem, MATERIAL.signer_pem, MATERIAL.root_pem), lambda: NOW)
    with pytest.raises(ConfigError, match="PEM"):
        DevelopmentAuthority(DevelopmentMaterial(b"", MATERIAL.signer_pem, MATERIAL.root_pem), lambda: NOW)
    foreign = DevelopmentMaterial(MATERIAL.key_pem, MATERIAL.signer_pem, other.root_pem)
    with pytest.raises(SignatureError, match="path"):
        DevelopmentAuthority(foreign, lambda: NOW).stamp(b"data")
