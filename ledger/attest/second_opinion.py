"""rfc3161-client's word on a token, beside our own check: two implementations must agree before a token is recorded.

It cannot judge everything that FORMATS §8 lets count, and is then not asked: its OpenSSL call knows no Ed25519 signers
and, without partial chains, no anchor that is not self-signed. It takes status 0 only, so a status 1 (granted with
modifications), which no signature covers, is handed to it as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from ledger.attest.strict_der import reading
from ledger.errors import SignatureError


def ask(der: bytes, data: bytes, signer: x509.Certificate, anchors: Sequence[x509.Certificate]) -> None:
    """Raise SignatureError or MalformedError where rfc3161-client can judge this response and refuses it.

    `der` must have passed our own parsing: the library's decoder is written for well-formed responses.
    """
    roots = [anchor for anchor in anchors if anchor.issuer == anchor.subject]
    if len(roots) != len(anchors) or isinstance(signer.public_key(), ed25519.Ed25519PublicKey):
        return
    with reading("the timestamp response with rfc3161-client"):
        response = decode_timestamp_response(_as_granted(der))
        verifier = VerifierBuilder(roots=roots, tsa_certificate=signer).build()
        try:
            verifier.verify_message(response, data)
        except VerificationError as error:
            raise SignatureError(f"asking rfc3161-client about a timestamp: expected a yes, got: {error}") from error


def _as_granted(der: bytes) -> bytes:
    response = tsp.TimeStampResp.load(der, strict=True)
    plain = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": response["time_stamp_token"]})
    return bytes(plain.dump())
