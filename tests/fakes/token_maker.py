"""RFC 3161 responses with any fault one can name: what `openssl ts` is too honest to sign.

`make_response(signer, data)` is a sound token; each further argument spoils (or merely varies) one thing. Knows nothing
of the ledger or the verifier, so both may be tested with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fakes.certificate_maker import Identity, PrivateKey

POLICY = "1.3.6.1.4.1.32473.1.1"  # under the example enterprise number of RFC 5612
GEN_TIME = "20261121091502.123Z"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303  # a fault to inject
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def make_tst_info(
    data: bytes,
    *,
    nonce: int | None = None,
    policy: str = POLICY,
    gen_time: str = GEN_TIME,
    accuracy: dict[str, int] | None = None,
    imprint: bytes | None = None,
    imprint_algorithm: str = "sha256",
    version: int = 1,
    extensions: Sequence[dict[str, object]] = (),
) -> bytes:
    """The DER of a TSTInfo. `accuracy`: seconds, millis, micros; None leaves it out."""
    digest = hashlib.new(imprint_algorithm, data, usedforsecurity=False).digest() if imprint is None else imprint
    fields: dict[str, object] = {
        "version": version,
        "policy": policy,
        "message_imprint": {"hash_algorithm": {"algorithm": imprint_algorithm}, "hashed_message": digest},
        "serial_number": 4711,
        "gen_time": core.GeneralizedTime(contents=gen_time.encode("ascii")),
    }
    if accuracy is not None:
        fields["accuracy"] = tsp.Accuracy(accuracy) if accuracy else tsp.Accuracy.load(b"\x30\x00")
    if nonce is not None:
        fields["nonce"] = nonce
    if extensions:
        fields["extensions"] = list(extensions)
    return bytes(tsp.TSTInfo(fields).dump())


def make_attributes(
    content: bytes,
    signer: x509.Certificate,
    *,
    digest: str = "sha256",
    content_type: str = "tst_info",
    message_digest: bytes | None = None,
    ess: str | None = "v2",
    ess_algorithm: str = "sha256",
    ess_certificate: x509.Certificate | None = None,
    ess_serial: int | None = None,
    without: str | None = None,
    twice: str | None = None,
) -> cms.CMSAttributes:
    """The signed attributes. `ess`: "v2", "v1" (SHA-1) or None; `ess_certificate` names another than the signer."""
    encoded = (ess_certificate or signer).public_bytes(Encoding.DER)
    sha1 = hashlib.sha1(encoded, usedforsecurity=False).digest()
    values: list[tuple[str, object]] = [
        ("content_type", content_type),
        ("message_digest", message_digest or hashlib.new(digest, content, usedforsecurity=False).digest()),
    ]
    if ess == "v2":
        hashed = hashlib.new(ess_algorithm, encoded, usedforsecurity=False).digest()
        identifier: dict[str, object] = {"hash_algorithm": {"algorithm": ess_algorithm}, "cert_hash": hashed}
        if ess_serial is not None:
            issuer = asn1_x509.GeneralName("directory_name", cms.Certificate.load(encoded).issuer)
            identifier["issuer_serial"] = {"issuer": [issuer], "serial_number": ess_serial}
        values.append(("signing_certificate_v2", {"certs": [identifier]}))
    elif ess == "v1":
        values.append(("signing_certificate", {"certs": [{"cert_hash": sha1}]}))
    kept = [(kind, value) for kind, value in values if kind != without]
    kept += [(kind, value) for kind, value in values if kind == twice]
    return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in kept])


def make_response(
    signer: Identity,
    data: bytes,
    *,
    certificates: Sequence[x509.Certificate] | None = None,
    signing_key: PrivateKey | None = None,
    digest: str = "sha256",
    signature_digest: str | None = None,
    attributes: dict[str, Any] | None = None,
    status: int = 0,
    change: Callable[[dict[str, Any]], None] | None = None,
    **info: Any,
) -> bytes:
    """The DER of a whole TimeStampResp on `data`.

    `certificates`: those inside the token, the signer's alone by default. `attributes`: arguments of `make_attributes`,
    `info`: of `make_tst_info`. `change` gets the SignedData's fields before they are encoded, after signing.
    """
    content = make_tst_info(data, **info)
    signed = make_attributes(content, signer.certificate, digest=digest, **(attributes or {}))
    own = cms.Certificate.load(signer.der)
    algorithm, signature = _sign(signing_key or signer.key, signed.dump(), signature_digest or digest)
    signer_info: dict[str, Any] = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
        "digest_algorithm": {"algorithm": digest},
        "signed_attrs": signed,
        "signature_algorithm": {"algorithm": algorithm},
        "signature": signature,
    }
    inside = [signer.certificate] if certificates is None else certificates
    encoded = [each.public_bytes(Encoding.DER) for each in inside]
    fields: dict[str, Any] = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": digest}],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
        "certificates": [cms.CertificateChoices({"certificate": cms.Certificate.load(each)}) for each in encoded],
        "signer_infos": [signer_info],
    }
    if not inside:
        del fields["certificates"]
    if change is not None:
        change(fields)
    return wrap(cms.SignedData(fields), status)


def wrap(signed_data: cms.SignedData, status: int = 0) -> bytes:
    """Put SignedData into a TimeStampResp."""
    token = {"content_type": "signed_data", "content": signed_data}
    return bytes(tsp.TimeStampResp({"status": {"status": status}, "time_stamp_token": token}).dump())


def make_refusal(status: int = 2, failure: str = "bad_request", text: str = "no") -> bytes:
    """The DER of a TimeStampResp without a token."""
    refusal = {"status": status, "status_string": [text], "fail_info": {failure}}
    return bytes(core.Sequence(contents=tsp.PKIStatusInfo(refusal).dump()).dump())


def make_request(imprint: bytes, algorithm: str = "sha256", **fields: Any) -> bytes:
    """The DER of a TimeStampReq, with whatever other fields (nonce, req_policy, cert_req, extensions, version)."""
    message_imprint = {"hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}), "hashed_message": imprint}
    return bytes(tsp.TimeStampReq({"version": 1, "message_imprint": message_imprint} | fields).dump())


def _sign(key: PrivateKey, signed: bytes, digest: str) -> tuple[str, bytes]:
    if isinstance(key, rsa.RSAPrivateKey):
        return f"{digest}_rsa", key.sign(signed, padding.PKCS1v15(), _HASHES[digest])
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return f"{digest}_ecdsa", key.sign(signed, ec.ECDSA(_HASHES[digest]))
    return "ed25519", key.sign(signed)
