"""TimeStampReq (RFC 3161 §2.4.1): what a client asks, and how strictly the embedded authority reads what others ask.

TimeStampReq ::= SEQUENCE {
    version         INTEGER { v1(1) },
    messageImprint  SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING },
    reqPolicy       OBJECT IDENTIFIER OPTIONAL,
    nonce           INTEGER OPTIONAL,
    certReq         BOOLEAN DEFAULT FALSE,
    extensions      [0] IMPLICIT Extensions OPTIONAL }
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from asn1crypto import algos, tsp

from ledger.attest.strict_der import check_der, reading
from ledger.errors import MalformedError

MAX_REQUEST_BYTES = 4096
"""An honest request has at most some 200 bytes; more is room for an attacker's ASN.1, not for an imprint."""

NONCE_BITS = 64
"""RFC 3161 §2.4.1 asks for "a large random number, e.g. a 64 bit integer"; some authorities refuse more."""

MAX_NONCE_BYTES = 32
"""Longest nonce that is echoed: the authority signs it, and has no reason to sign what a stranger chose at length."""

IMPRINT_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
"""The imprints taken, with their sizes in bytes: SHA-2 from 256 bits, as FORMATS §8 counts."""


class RequestError(MalformedError):
    """A request that must be answered with status 2 (rejection).

    `failure` is the PKIFailureInfo of RFC 3161 §2.4.2, in asn1crypto's spelling ("bad_alg", "bad_request", …).
    """

    failure: str

    def __init__(self, what: str, where: str | None = None, failure: str = "bad_request") -> None:
        super().__init__(what, where, failure)
        self.failure = failure


def _refuse(failure: str, what: str) -> RequestError:
    return RequestError(f"reading a timestamp request: {what}", None, failure)


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed TimeStampReq.

    `imprint` is the digest (32, 48 or 64 bytes), `message_imprint` the DER of the whole MessageImprint: a token must
    repeat it byte for byte (RFC 3161 §2.4.2).
    """

    imprint_algorithm: str
    imprint: bytes
    message_imprint: bytes
    policy: str | None
    nonce: int | None
    certificate_wanted: bool


def new_nonce() -> int:
    """Return a fresh random nonce of NONCE_BITS bits, never 0: an old answer cannot hold it (RFC 3161 §2.4.1)."""
    return secrets.randbits(NONCE_BITS - 1) + 1


def build_request(data: bytes, nonce: int, policy: str | None = None) -> bytes:
    """Return the DER of a request for the SHA-256 of `data` with certReq true.

    Raises MalformedError where `policy` is no dotted OID or `nonce` negative.
    """
    if nonce < 0:
        raise MalformedError(f"building a timestamp request: expected a nonce of at least 0, got {nonce}")
    algorithm = algos.DigestAlgorithm({"algorithm": "sha256"})
    imprint = {"hash_algorithm": algorithm, "hashed_message": hashlib.sha256(data).digest()}
    request = {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    if policy is not None:
        request["req_policy"] = policy
    with reading("the policy to ask for"):
        return bytes(tsp.TimeStampReq(request).dump())


def parse_request(der: bytes) -> Request:
    """Parse a stranger's request; raise RequestError, and nothing else, on anything unfit.

    Inverse of `build_request`. Extensions are refused, as RFC 3161 §2.4.1 demands of whoever does not know them.
    """
    if len(der) > MAX_REQUEST_BYTES:
        raise _refuse("bad_data_format", f"request has {len(der)} bytes, at most {MAX_REQUEST_BYTES} are read")
    try:
        check_der(der, "the timestamp request")
        with reading("the timestamp request"):
            request = tsp.TimeStampReq.load(der, strict=True)
            version, extensions = request["version"].native, request["extensions"].native
            policy, nonce = request["req_policy"].native, request["nonce"].native
            certificate_wanted = request["cert_req"].native
            message_imprint = request["message_imprint"]
            algorithm, imprint, parameters = _read_imprint(message_imprint)
    except MalformedError as error:
        raise _refuse("bad_data_format", str(error)) from error
    if version != "v1":
        raise _refuse("bad_request", f"request has version {version}, expected v1")
    if extensions is not None:
        raise _refuse("unaccepted_extension", "request has extensions, none is known")
    if algorithm not in IMPRINT_BYTES or parameters is not None:
        raise _refuse("bad_alg", f"imprint is {algorithm}, expected one of {', '.join(IMPRINT_BYTES)}")
    if len(imprint) != IMPRINT_BYTES[algorithm]:
        raise _refuse("bad_data_format", f"imprint has {len(imprint)} bytes, not those of {algorithm}")
    if nonce is not None and nonce.bit_length() > 8 * MAX_NONCE_BYTES:
        raise _refuse("bad_request", f"nonce is longer than {MAX_NONCE_BYTES} bytes")
    return Request(algorithm, imprint, bytes(message_imprint.dump()), policy, nonce, certificate_wanted)


def _read_imprint(message_imprint: tsp.MessageImprint) -> tuple[str, bytes, object]:
    """Return (algorithm, digest, parameters); NULL parameters, an old habit, count as none (RFC 5754 §2)."""
    algorithm = message_imprint["hash_algorithm"]
    return (
        str(algorithm["algorithm"].native),
        bytes(message_imprint["hashed_message"].native),
        algorithm["parameters"].native,
    )
