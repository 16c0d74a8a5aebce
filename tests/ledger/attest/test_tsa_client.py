"""Our client against an authority that is not ours: OpenSSL's, honest and otherwise."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.attest.rfc3161_token import MAX_RESPONSE_BYTES, TimestampInfo, check_response
from ledger.attest.tsa_client import request_timestamp
from ledger.errors import ConfigError, LedgerError, MalformedError, SignatureError, UnavailableError
from tests.fakes.openssl_authority import LIES_IN_HTTP, POLICY, OpensslAuthority

DATA = b"log.example\n7\nAAAA\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpensslAuthority]:
    with OpensslAuthority(tmp_path_factory.mktemp("authority")) as started:
        yield started


@pytest.fixture(autouse=True)
def honest_again(authority: OpensslAuthority) -> Iterator[None]:
    yield
    authority.lie = None


def ask(authority: OpensslAuthority, policy: str | None = None, timeout: float = 10) -> tuple[bytes, TimestampInfo]:
    return request_timestamp(authority.url, DATA, authority.anchors, policy, timeout)


def test_an_independent_authority_is_asked_and_believed(authority: OpensslAuthority) -> None:
    before = time.time() * 1000
    response, info = ask(authority)
    authority.verify(response, DATA)
    assert info.policy == POLICY
    assert info.accuracy_us == 1_000_000
    assert before - 1000 <= info.latest_ms
    assert info.earliest_ms <= time.time() * 1000
    assert check_response(response, DATA, None, POLICY, authority.anchors) == info
    with pytest.raises(SignatureError, match="imprint"):
        check_response(response, DATA + b"\n", None, POLICY, authority.anchors)
    with pytest.raises(subprocess.CalledProcessError):
        authority.verify(response, DATA + b"\n")


def test_every_byte_flipped_is_noticed_or_in_no_signed_part(authority: OpensslAuthority) -> None:
    """Unsigned: which of 0 and 1 the status is, and the certificates beside the signer's."""
    sound, info = ask(authority)
    beside = authority.root.der
    begin = sound.index(beside)
    unsigned = {8, *range(begin, begin + len(beside))}
    assert sound[:9].hex().endswith("3003020100")
    unnoticed = set()
    for position in range(len(sound)):
        bent = sound[:position] + bytes([sound[position] ^ 1]) + sound[position + 1 :]
        try:
            check_response(bent, DATA, info.nonce, POLICY, authority.anchors)
            unnoticed.add(position)
        except LedgerError:
            continue
    assert unnoticed <= unsigned
    assert 8 in unnoticed


def test_each_request_has_a_nonce_of_its_own(authority: OpensslAuthority) -> None:
    assert ask(authority)[1].nonce != ask(authority)[1].nonce


@pytest.mark.parametrize(
    "setting",
    [
        {"kind": "rsa2048"},
        {"kind": "p384"},
        {"intermediate": True},
        {"accuracy": "secs:0, millisecs:500, microsecs:7"},
        {"tsa_name": True},
    ],
    ids=lambda setting: next(iter(setting)) + str(next(iter(setting.values()))),
)
def test_other_settings_of_openssl_are_believed_too(setting: dict[str, object], tmp_path: Path) -> None:
    with OpensslAuthority(tmp_path, **setting) as other:  # type: ignore[arg-type]  # one setting each, by name
        response, info = ask(other)
        other.verify(response, DATA)
        assert info.accuracy_us == (500_007 if "accuracy" in setting else 1_000_000)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"kind": "rsa1024"}, "RSA of 2048"),
        ({"expired": True}, "path"),
        ({"ess": "sha1"}, "signing_certificate_v2"),
    ],
)
def test_an_unfit_authority_is_refused(setting: dict[str, object], said: str, tmp_path: Path) -> None:
    with OpensslAuthority(tmp_path, **setting) as unfit:  # type: ignore[arg-type]  # one setting each, by name
        with pytest.raises(SignatureError, match=said) as caught:
            ask(unfit)
        assert caught.value.where == unfit.url
        assert unfit.asked == 1


def test_an_honest_token_of_another_authority_is_refused(authority: OpensslAuthority, tmp_path: Path) -> None:
    with OpensslAuthority(tmp_path) as other, pytest.raises(SignatureError, match="path"):
        request_timestamp(other.url, DATA, authority.anchors)


@pytest.mark.parametrize(
    ("lie", "kind", "said"),
    [
        ("imprint", SignatureError, "imprint"),
        ("nonce", SignatureError, "nonce"),
        ("no nonce", SignatureError, "nonce"),
        ("policy", SignatureError, "policy"),
        ("no certificate", MalformedError, "certificates"),
    ],
)
def test_a_lie_in_the_token_is_refused(
    lie: str, kind: type[LedgerError], said: str, authority: OpensslAuthority
) -> None:
    ask(authority, POLICY)
    authority.lie = lie
    with pytest.raises(kind, match=said) as caught:
        ask(authority, POLICY)
    assert caught.value.where == authority.url


def test_a_replayed_answer_is_refused(authority: OpensslAuthority) -> None:
    ask(authority)
    authority.lie = "replay"
    with pytest.raises(SignatureError, match="nonce"):
        ask(authority)


def test_a_policy_that_it_does_not_have_is_refused_by_the_authority(authority: OpensslAuthority) -> None:
    with pytest.raises(UnavailableError, match="unaccepted_policy"):
        ask(authority, "1.2.3.4")


@pytest.mark.parametrize("lie", sorted(set(LIES_IN_HTTP) - {"trickle", "html"}))
def test_a_broken_answer_is_unavailable(lie: str, authority: OpensslAuthority) -> None:
    authority.lie = lie
    with pytest.raises(UnavailableError) as caught:
        ask(authority)
    assert caught.value.where == authority.url
    if lie == "huge":
        assert str(MAX_RESPONSE_BYTES) in str(caught.value)


def test_a_page_instead_of_a_token_is_malformed(authority: OpensslAuthority) -> None:
    authority.lie = "html"
    with pytest.raises(MalformedError):
        ask(authority)


def test_a_byte_at_a_time_does_not_hold_us(authority: OpensslAuthority) -> None:
    authority.lie = "trickle"
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"within 0\.4 s"):
        ask(authority, timeout=0.4)
    assert time.monotonic() - began < 5


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="HTTP answer"):
        request_timestamp("http://127.0.0.1:1/", DATA, [])


@pytest.mark.parametrize("url", ["ftp://example.org/", "example.org/tsa", "file:///etc/passwd", "", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        request_timestamp(url, DATA, [])


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(UnavailableError) as caught:
        request_timestamp("http://user:secret@127.0.0.1:1/", DATA, [])
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_the_fake_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    import sys

    from cryptography import x509

    command = [sys.executable, "-m", "tests.fakes.openssl_authority", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url, root = process.stdout.readline().split()
            anchors = x509.load_pem_x509_certificates(Path(root).read_bytes())
            assert request_timestamp(url, DATA, anchors)[1].policy == POLICY
        finally:
            process.terminate()
