"""rfc3161-client's word on a token, beside our own check: two implementations must agree before a token is recorded.

It cannot judge everything that FORMATS §8 lets count, and is then not asked: its OpenSSL call knows no Ed25519 signers
and, without partial chains, no anchor that is not self-signed. Two things that no signature covers are put right for
it: it takes status 0 only, so a status 1 (granted with modifications) is handed over as 0; and it demands the
certificates in DER's order of a set, in which `openssl ts -reply` does not put them.
"""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import core, tsp
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
        response = decode_timestamp_response(_put_right(der))
        verifier = VerifierBuilder(roots=roots, tsa_certificate=signer).build()
        try:
            verifier.verify_message(response, data)
        except VerificationError as error:
            raise SignatureError(f"asking rfc3161-client about a timestamp: expected a yes, got: {error}") from error


def _put_right(der: bytes) -> bytes:
    """Return the response as granted and with its certificates in order: the same bytes otherwise."""
    token = tsp.TimeStampResp.load(der, strict=True)["time_stamp_token"]
    certificates = token["content"]["certificates"]
    ordered = b"".join(sorted(bytes(certificate.dump()) for certificate in certificates))
    encoded = bytes(token.dump()).replace(certificates.contents, ordered, 1)
    granted = bytes(tsp.PKIStatusInfo({"status": "granted"}).dump())
    return bytes(core.Sequence(contents=granted + encoded).dump())
