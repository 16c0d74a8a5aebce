from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import TimestampRequestBuilder

from ledger.attest.rfc3161_request import (
    MAX_NONCE_BYTES,
    MAX_REQUEST_BYTES,
    NONCE_BITS,
    RequestError,
    build_request,
    new_nonce,
    parse_request,
)
from ledger.errors import MalformedError
from tests.fakes.openssl_authority import need_openssl
from tests.fakes.token_maker import POLICY, make_refusal, make_request

EXTENSION = {"extn_id": "1.2.3", "critical": False, "extn_value": b"\x05\x00"}
DIGEST = hashlib.sha256(b"data").digest()


@given(st.binary(max_size=100), st.integers(0, 2**64), st.sampled_from([None, POLICY, "2.25.1"]))
def test_what_is_built_parses_back(data: bytes, nonce: int, policy: str | None) -> None:
    request = parse_request(build_request(data, nonce, policy))
    assert request.imprint == hashlib.sha256(data).digest()
    assert (request.imprint_algorithm, request.nonce, request.policy) == ("sha256", nonce, policy)
    assert request.certificate_wanted


def test_openssl_reads_our_request(tmp_path: Path) -> None:
    (tmp_path / "q.tsq").write_bytes(build_request(b"data", 0x1234, POLICY))
    need_openssl()
    command = ["openssl", "ts", "-query", "-in", "q.tsq", "-text"]
    text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    for line in ("Hash Algorithm: sha256", f"Policy OID: {POLICY}", "Nonce: 0x1234", "Certificate required: yes"):
        assert line in text


def test_openssl_and_rfc3161_client_ask_in_a_way_we_read(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    need_openssl()
    command = ["openssl", "ts", "-query", "-data", "data", "-sha512", "-cert", "-out", "q.tsq"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    request = parse_request((tmp_path / "q.tsq").read_bytes())
    assert request.imprint == hashlib.sha512(b"data").digest()
    assert request.certificate_wanted
    assert request.nonce
    theirs = TimestampRequestBuilder().data(b"data").build()
    assert parse_request(theirs.as_bytes()).imprint == hashlib.sha512(b"data").digest()


def test_a_nonce_is_fresh_and_never_zero() -> None:
    drawn = {new_nonce() for _ in range(100)}
    assert len(drawn) == 100
    assert all(0 < nonce < 2**NONCE_BITS for nonce in drawn)


def test_a_request_that_cannot_be_is_not_built() -> None:
    with pytest.raises(MalformedError, match="nonce"):
        build_request(b"", -1)
    with pytest.raises(MalformedError, match="policy"):
        build_request(b"", 1, "no policy")


REFUSED = {
    "an imprint in SHA-1": (make_request(bytes(20), "sha1"), "bad_alg"),
    "an imprint in MD5": (make_request(bytes(16), "md5"), "bad_alg"),
    "an imprint that is too short": (make_request(bytes(31)), "bad_data_format"),
    "an imprint of another algorithm": (make_request(bytes(32), "sha512"), "bad_data_format"),
    "a version to come": (make_request(DIGEST, version=2), "bad_request"),
    "an extension": (
        make_request(DIGEST, extensions=[EXTENSION]),
        "unaccepted_extension",
    ),
    "a long nonce": (make_request(DIGEST, nonce=1 << 8 * MAX_NONCE_BYTES), "bad_request"),
    "bytes after it": (make_request(DIGEST) + b"\x00", "bad_data_format"),
    "nothing": (b"", "bad_data_format"),
    "another ASN.1 value": (b"\x05\x00", "bad_data_format"),
    "a response": (make_refusal(), "bad_data_format"),
    "more bytes than are read": (
        make_request(DIGEST, extensions=[EXTENSION | {"extn_value": bytes(MAX_REQUEST_BYTES)}]),
        "bad_data_format",
    ),
}


@pytest.mark.parametrize(("request_der", "failure"), REFUSED.values(), ids=list(REFUSED))
def test_an_unfit_request_is_refused_for_its_reason(request_der: bytes, failure: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(request_der)
    assert caught.value.failure == failure


def test_the_longest_nonce_is_taken() -> None:
    nonce = (1 << 8 * MAX_NONCE_BYTES) - 1
    assert parse_request(make_request(DIGEST, nonce=nonce)).nonce == nonce


@given(st.binary(max_size=80))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(data)


@given(st.data())
def test_a_changed_request_is_refused_or_says_something_else(data: st.DataObject) -> None:
    sound = build_request(b"data", 7, POLICY)
    position = data.draw(st.integers(0, len(sound) - 1))
    changed = bytearray(sound)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        assert parse_request(bytes(changed)) != parse_request(sound)
    except RequestError as error:
        assert error.failure
