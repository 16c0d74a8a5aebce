"""TimeStampResp (RFC 3161 §2.4.2): an authority's word that some bytes existed at its time, and how far we believe it.

A whole response is stored and travels in bundles (`token.tsr`), because `openssl ts -verify -in` takes it as it is:

    TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
    timeStampToken holds CMS SignedData (RFC 5652), whose content is
    TSTInfo ::= SEQUENCE {
        version 1, policy OID, messageImprint, serialNumber INTEGER, genTime GeneralizedTime,
        accuracy OPTIONAL, ordering DEFAULT FALSE, nonce OPTIONAL, tsa [0] OPTIONAL, extensions [1] OPTIONAL }

Unsigned parts (the status text, certificates beside the signer's) can be changed by anyone without harm, so a token's
bytes are malleable: commit to the exact bytes, and never take a token's hash for its identity.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from asn1crypto import cms, core, tsp
from cryptography import x509

from ledger.attest import second_opinion
from ledger.attest.signer_path import check_path, check_signer
from ledger.attest.strict_der import check_der, reading
from ledger.attest.token_signature import certificates_of, check_token_signature, signer_of
from ledger.errors import ConfigError, MalformedError, SignatureError, UnavailableError

MAX_RESPONSE_BYTES = 47 * 1024
"""A leaf has at most 65,535 bytes (FORMATS §3) and holds the response in base64, beside the stamped text and its own
members (at most 1,363 bytes). Tokens with their certificates have 1 to 8 KiB."""

DEFAULT_ACCURACY_US = 1_000_000
"""What an absent accuracy counts as, in microseconds: 1 s (DESIGN §3.5; genTime alone promises whole seconds)."""

GRANTED = ("granted", "granted_with_mods")
"""PKIStatus 0 and 1: the two that come with a token."""

_GEN_TIME = re.compile(rb"(\d{14})(?:\.(\d{0,8}[1-9]))?Z", re.ASCII)
"""GeneralizedTime of RFC 3161 §2.4.2: UTC, with seconds, no trailing zeros, read to nanoseconds."""

_US_PER_SECOND, _NS_PER_MS, _NS_PER_SECOND = 1_000_000, 1_000_000, 1_000_000_000


class TimeStampResp(core.Sequence):  # type: ignore[misc]  # asn1crypto comes without types
    """RFC 3161 §2.4.2. asn1crypto's own class demands a token, which a refusal does not have."""

    _fields: ClassVar = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """What a token says. Checked if it came from `check_response`, a mere claim if it came from `parse_response`.

    Times are whole milliseconds since 1970 (UTC). `earliest_ms` is genTime − accuracy rounded down, `latest_ms`
    genTime + accuracy rounded up (FORMATS §1): rounding only ever widens a bracket. `gen_time_ms` is rounded down.
    `accuracy_us` is in microseconds, `imprint` the digest's bytes, `signer` the certificate that the token's signer
    identifier names and that lies in the token itself.
    """

    gen_time_ms: int
    earliest_ms: int
    latest_ms: int
    accuracy_us: int
    policy: str
    serial: int
    imprint_algorithm: str
    imprint: bytes
    nonce: int | None
    signer: x509.Certificate

    @property
    def gen_time(self) -> datetime:
        """genTime to the second, rounded down: the resolution of certificates."""
        return datetime.fromtimestamp(self.gen_time_ms // 1000, UTC)

    @property
    def signer_ends_ms(self) -> int:
        """End of the signer's certificate: after it, the token counts by renewal only (DESIGN §3.5)."""
        return int(self.signer.not_valid_after_utc.timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class UnverifiedResponse:
    """A granted response that parses. No signature has been looked at."""

    status: str
    unverified: TimestampInfo
    signed_data: cms.SignedData


def parse_response(der: bytes) -> UnverifiedResponse:
    """Parse a whole TimeStampResp; nothing may follow it.

    Raises MalformedError where it is not one, UnavailableError where it is a refusal (status 2 and above), with the
    authority's reason.
    """
    if len(der) > MAX_RESPONSE_BYTES:
        raise MalformedError(f"reading a timestamp: expected at most {MAX_RESPONSE_BYTES} bytes, got {len(der)}")
    check_der(der, "the timestamp response")
    with reading("the timestamp response"):
        response = TimeStampResp.load(der, strict=True)
        status = response["status"]["status"].native
        if status not in GRANTED:
            raise UnavailableError(f"asking for a timestamp: expected it granted, got {_refusal(response['status'])}")
        signed_data = _signed_data(response["time_stamp_token"])
        return UnverifiedResponse(status, _read_info(signed_data), signed_data)


def check_response(
    der: bytes, data: bytes, nonce: int | None, policy: str | None, anchors: Sequence[x509.Certificate]
) -> TimestampInfo:
    """Return what the response says if it is a timestamp on `data` by an authority that `anchors` vouch for.

    1. status 0 or 1, DER, nothing after it; 2. imprint = SHA-256(`data`); 3. `nonce` equal, unless None; 4. TSTInfo's
    policy equal to `policy`, unless None; 5. signature and signed attributes: contentType, messageDigest and the
    signer's ESSCertIDv2 (RFC 5652 §5.4, RFC 5816); 6. the signer's key and extended key usage (RFC 3161 §2.3); 7. a
    path from the signer to one of `anchors`, valid at genTime; 8. rfc3161-client agrees wherever it can judge.
    Whether that anchor is independent is not decided here, and revocation lists are not asked for.

    Raises MalformedError (1), UnavailableError (1: refused by the authority), SignatureError (2 to 8), ConfigError
    where `anchors` is empty.
    """
    if not anchors:
        raise ConfigError("checking a timestamp: expected at least one certificate to trust, got none")
    response = parse_response(der)
    info = response.unverified
    if info.imprint_algorithm != "sha256" or not hmac.compare_digest(info.imprint, hashlib.sha256(data).digest()):
        raise SignatureError("checking a timestamp: expected the SHA-256 of what was sent, got another imprint")
    if nonce is not None and info.nonce != nonce:
        raise SignatureError(f"checking a timestamp: expected nonce {nonce}, got {info.nonce}: not this answer")
    if policy is not None and info.policy != policy:
        raise SignatureError(f"checking a timestamp: expected policy {policy}, got {info.policy}")
    check_token_signature(response.signed_data, info.signer)
    check_signer(info.signer)
    with reading("the timestamp's certificates"):
        others = [certificate for certificate in certificates_of(response.signed_data) if certificate != info.signer]
    check_path(info.signer, others, anchors, info.gen_time)
    second_opinion.ask(der, data, info.signer, anchors)
    return info


def _refusal(status: tsp.PKIStatusInfo) -> str:
    """Say what a refusing authority said, in one bounded line; its text is a stranger's."""
    failure = ", ".join(sorted(status["fail_info"].native or ())) or "no failure named"
    text = " ".join(status["status_string"].native or ())
    printable = "".join(character if character.isprintable() else "?" for character in text)[:200]
    return f"status {status['status'].native} ({failure}): {printable!r}"


def _signed_data(token: cms.ContentInfo) -> cms.SignedData:
    if isinstance(token, core.Void) or token["content_type"].native != "signed_data":
        raise MalformedError("reading a timestamp response: expected a token of SignedData, got none")
    signed_data = token["content"]
    # RFC 5652 §5.1: 3 because the content is not id-data; 4 and 5 are for kinds of certificates that are refused.
    if signed_data["version"].native != "v3":
        raise MalformedError(f"reading a timestamp: expected SignedData v3, got {signed_data['version'].native}")
    content = signed_data["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise MalformedError(f"reading a timestamp: expected TSTInfo inside, got {content['content_type'].native}")
    return signed_data


def _read_info(signed_data: cms.SignedData) -> TimestampInfo:
    encoded = bytes(signed_data["encap_content_info"]["content"])
    check_der(encoded, "the timestamp's TSTInfo")
    tst_info = tsp.TSTInfo.load(encoded, strict=True)
    if tst_info["version"].native != "v1":
        raise MalformedError(f"reading a timestamp: expected TSTInfo v1, got {tst_info['version'].native}")
    for extension in _present(tst_info["extensions"]):
        if extension["critical"].native:
            raise MalformedError("reading a timestamp: expected no critical extension of TSTInfo, got one")
    imprint = tst_info["message_imprint"]
    gen_time_ns = _read_gen_time(tst_info["gen_time"].contents)
    accuracy_us = _read_accuracy(tst_info["accuracy"].native)
    return TimestampInfo(
        gen_time_ms=gen_time_ns // _NS_PER_MS,
        earliest_ms=_within_calendar((gen_time_ns - accuracy_us * 1000) // _NS_PER_MS),
        latest_ms=_within_calendar(-(-(gen_time_ns + accuracy_us * 1000) // _NS_PER_MS)),
        accuracy_us=accuracy_us,
        policy=tst_info["policy"].dotted,
        serial=tst_info["serial_number"].native,
        imprint_algorithm=imprint["hash_algorithm"]["algorithm"].native,
        imprint=imprint["hashed_message"].native,
        nonce=tst_info["nonce"].native,
        signer=signer_of(signed_data),
    )


def _present(extensions: tsp.Extensions) -> list[tsp.Extension]:
    return [] if isinstance(extensions, core.Void) else list(extensions)


def _read_gen_time(contents: bytes) -> int:
    """Return genTime in nanoseconds since 1970. asn1crypto's own reading stops at microseconds."""
    match = _GEN_TIME.fullmatch(contents)
    if match is None:
        raise MalformedError(f"reading genTime: expected YYYYMMDDhhmmss[.s…]Z, got {contents[:40]!r}")
    moment = datetime.strptime(match[1].decode("ascii"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return calendar.timegm(moment.utctimetuple()) * _NS_PER_SECOND + int((match[2] or b"0").ljust(9, b"0"))


def _read_accuracy(accuracy: dict[str, int | None] | None) -> int:
    """Return the accuracy in microseconds. RFC 3161 §2.4.2: a member that is absent counts as zero."""
    if accuracy is None:
        return DEFAULT_ACCURACY_US
    seconds, millis, micros = accuracy["seconds"], accuracy["millis"], accuracy["micros"]
    if not ((seconds or 0) >= 0 and all(part is None or 1 <= part <= 999 for part in (millis, micros))):
        raise MalformedError(f"reading a timestamp: expected an accuracy of RFC 3161, got {accuracy}")
    return (seconds or 0) * _US_PER_SECOND + (millis or 0) * 1000 + (micros or 0)


_FIRST_MS = calendar.timegm((1, 1, 1, 0, 0, 0)) * 1000
_LAST_MS = calendar.timegm((9999, 12, 31, 23, 59, 59)) * 1000 + 999


def _within_calendar(moment_ms: int) -> int:
    """A moment outside the years 1 to 9999 cannot be written in the form of FORMATS §1."""
    if not _FIRST_MS <= moment_ms <= _LAST_MS:
        raise MalformedError("reading a timestamp: expected years 1 to 9999, got a time that leaves them")
    return moment_ms
