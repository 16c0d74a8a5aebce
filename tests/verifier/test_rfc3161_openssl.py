"""verifier.rfc3161 on tokens of the `openssl` program, and on those of the shared vectors."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.verifier import certificate_forge as certs
from tests.verifier import token_forge as forge
from tests.verifier.openssl_stamps import Stamps
from verifier.errors import BadTimestamp
from verifier.rfc3161 import authorities_of, check_token, parse_response, uncounted_reason

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")
DATA = b"log.example/1\n7\nAAAA=\n"


@pytest.fixture(scope="module", params=["rsa2048", "rsa3072", "p256", "p384"])
def stamps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stamps:
    return Stamps(tmp_path_factory.mktemp(request.param), request.param).prepare()


def judged(stamps: Stamps, response: bytes, data: bytes) -> None:
    token = parse_response(response)
    check_token(token, data)
    assert uncounted_reason(token) is None
    for anchor in ("root", "middle", "stamper"):
        assert authorities_of(token, {"a": [stamps.certificate(anchor)]}, []) == ["a"]
    assert token.signer == stamps.certificate("stamper")
    with pytest.raises(BadTimestamp, match="imprint"):
        check_token(token, data + b"\n")
    body = response.rindex(token._signed.signature) + len(token._signed.signature) // 2
    changed = response[:body] + bytes((response[body] ^ 1,)) + response[body + 1 :]
    with pytest.raises(BadTimestamp, match="signature"):
        check_token(parse_response(changed), data)


@needs_openssl
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_tokens_of_openssl_ts(stamps: Stamps, digest: str) -> None:
    before = time.time_ns() // 1000
    response = stamps.stamp(DATA, digest)
    after = time.time_ns() // 1000
    judged(stamps, response, DATA)
    token = parse_response(response)
    assert before <= token.gen_time_us <= after
    assert (token.accuracy_us, token.policy) == (2_500_100, "1.2.3.4.1")


def info_of(stamps: Stamps, key: certs.Key) -> tuple[forge.Recipe, bytes]:
    moment = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 60)).encode()
    holder = certs.Holder(stamps.certificate("stamper"), key)
    recipe = forge.Recipe(holder, stamped=DATA, gen_time=moment)
    return recipe, forge.tst_info(recipe)


@needs_openssl
@pytest.mark.parametrize("options", [(), ("-keyid",)])
def test_tokens_signed_by_openssl_cms(stamps: Stamps, options: tuple[str, ...]) -> None:
    recipe, info = info_of(stamps, certs.key())
    judged(stamps, forge.sequence(recipe.status, stamps.sign(info, "sha512", *options)), DATA)
    if stamps.kind.startswith("rsa"):
        pss = stamps.sign(info, "sha256", *options, "-keyopt", "rsa_padding_mode:pss")
        judged(stamps, forge.sequence(recipe.status, pss), DATA)


@needs_openssl
def test_an_ed25519_chain_of_openssl(tmp_path: Path) -> None:
    """OpenSSL 3.0 signs no CMS attributes with ed25519: its keys and certificates, and a token of the forge."""
    stamps = Stamps(tmp_path, "ed25519").prepare()
    key = load_pem_private_key((tmp_path / "stamper.key").read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    middle = stamps.certificate("middle").public_bytes(Encoding.DER)
    recipe, _ = info_of(stamps, key)
    judged(stamps, forge.forge(recipe.but(chain=(middle,), digest=forge.SHA512)), DATA)


@needs_openssl
def test_replies_with_the_old_attribute_without_certificates_and_rejected(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path, "p256").prepare()
    config = stamps.folder / "config"
    config.write_text(config.read_text().replace("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha1"))
    old = parse_response(stamps.stamp(DATA))
    check_token(old, DATA)
    assert "no ESSCertIDv2" in (uncounted_reason(old) or "")
    assert [identifier.version for identifier in old._signed.ess_cert_ids] == [1]
    config.write_text(config.read_text().replace("ess_cert_id_alg = sha1", "ess_cert_id_alg = sha512"))
    assert uncounted_reason(parse_response(stamps.stamp(DATA))) is None
    stamps.run("ts", "-query", "-data", "data", "-sha256", "-out", "query")
    reply = ["ts", "-reply", "-config", "config", "-section", "stamp"]
    reply += ["-signer", "stamper.pem", "-inkey", "stamper.key", "-sha256"]
    stamps.run(*reply, "-queryfile", "query", "-out", "reply")
    token = parse_response((stamps.folder / "reply").read_bytes())
    check_token(token, DATA)
    assert token.signer is None and "not in the token" in (uncounted_reason(token) or "")
    assert authorities_of(token, {"a": [stamps.certificate("stamper")]}, []) == []
    stamps.run("ts", "-query", "-data", "data", "-sha512", "-out", "query")
    stamps.run(*reply, "-queryfile", "query", "-out", "reply")
    with pytest.raises(BadTimestamp, match="status 0 or 1, got 2"):
        parse_response((stamps.folder / "reply").read_bytes())


VECTORS = Path(os.environ.get("EVIDENCE_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")
BUNDLES = VECTORS / "bundles"
EXPECTED = json.loads((BUNDLES / "expected.json").read_text()) if (BUNDLES / "expected.json").exists() else {}
TOKEN_FAULTS = {
    "bad/step8-imprint-of-signed-note.zip": "imprint",
    "bad/step8-response-rejected.zip": "status",
    "bad/step8-token-time-changed.zip": "message digest",
}
NOT_COUNTED = {
    "bad/incomplete-step8-development-authority-only.zip": "not independent",
    "good/entry-development-time.zip": "not independent",
}
NO_AUTHORITY = ("bad/incomplete-step8-untrusted-authority.zip", *NOT_COUNTED)


def anchors(folder: Path) -> dict[str, list[x509.Certificate]]:
    return {path.stem: x509.load_pem_x509_certificates(path.read_bytes()) for path in sorted(folder.glob("*.pem"))}


@pytest.mark.skipif(not EXPECTED, reason="the shared vectors are not there (EVIDENCE_VECTORS)")
@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if name.endswith(".zip")))
def test_tokens_of_the_shared_vectors(name: str) -> None:
    with zipfile.ZipFile(BUNDLES / name) as bundle:
        members = {member: bundle.read(member) for member in bundle.namelist() if not member.startswith("evidence/")}
    beside = [x509.load_pem_x509_certificate(pem) for member, pem in members.items() if member.startswith("certs/")]
    trust = anchors(BUNDLES / EXPECTED[name].get("trust", "trust") / "tsa")
    for member in sorted(member for member in members if member.endswith("/token.tsr")):
        stamped = members[member.replace("token.tsr", "stamped")]
        if name in TOKEN_FAULTS:
            with pytest.raises(BadTimestamp, match=TOKEN_FAULTS[name]):
                check_token(parse_response(members[member]), stamped)
            continue
        token = parse_response(members[member])
        check_token(token, stamped)
        reason = uncounted_reason(token)
        assert NOT_COUNTED[name] in (reason or "") if name in NOT_COUNTED else reason is None
        assert len(authorities_of(token, trust, beside)) == (0 if name in NO_AUTHORITY else 1)
