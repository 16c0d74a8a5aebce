"""The embedded development authority (RFC 3161): makes the whole path run without anyone else, and proves no time.

Its key is the operator's own, so its tokens show only that the operator says so. That is written where nobody can
overlook it: in its subject, and as a policy OID in every token (TSTInfo.policy) and in its certificate
(certificatePolicies). A verifier never counts a token that bears it in either place (FORMATS §7).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ledger.attest.rfc3161_request import Request, RequestError, build_request, new_nonce, parse_request
from ledger.attest.rfc3161_token import TimestampInfo, TimeStampResp, check_response
from ledger.attest.strict_der import reading
from ledger.errors import ConfigError

DEVELOPMENT_POLICY = "2.25.145047057259333179322662350425194208016"
"""FORMATS §7: whatever bears this policy never counts towards a time bracket."""

LIFETIME = timedelta(days=20 * 365)
"""Of both certificates: nothing renews them, and no verdict leans on them."""

BACKDATED = timedelta(days=1)
"""The certificates begin this long before they are made, so that a clock set back a little does not stop the log."""

SERIAL_BITS = 159
"""RFC 3161 §2.4.2 allows 160 bits, RFC 5280 20 octets; random, so that no counter need survive a restore."""

ACCURACY_SECONDS = 1

_SUBJECT_ORGANISATION = "Not independent of the operator"


@dataclass(frozen=True, slots=True)
class DevelopmentMaterial:
    """What `init` stores: PEM texts. The root's key is not among them: it made one certificate and is forgotten."""

    key_pem: bytes
    signer_pem: bytes
    root_pem: bytes


def create_development_authority(now_ms: int) -> DevelopmentMaterial:
    """Make an EC P-256 signer under a root of its own. `now_ms`: milliseconds since 1970 (UTC)."""
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Development root"), _name("Development timestamp authority")
    root = (
        _certificate(root_name, root_name, root_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(certify=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    policy = x509.PolicyInformation(x509.ObjectIdentifier(DEVELOPMENT_POLICY), None)
    signer = (
        _certificate(name, root_name, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certify=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    key_pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return DevelopmentMaterial(key_pem, signer.public_bytes(encoding), root.public_bytes(encoding))


def bears_development_policy(info: TimestampInfo) -> bool:
    """Whether a token says of itself that it is a development authority's, in either of the two places."""
    if info.policy == DEVELOPMENT_POLICY:
        return True
    with reading("the timestamp signer's certificate"):
        try:
            policies = info.signer.extensions.get_extension_for_class(x509.CertificatePolicies).value
        except x509.ExtensionNotFound:
            return False
    return any(policy.policy_identifier.dotted_string == DEVELOPMENT_POLICY for policy in policies)


class DevelopmentAuthority:
    """Answers requests with the key that `create_development_authority` made. Safe to share between threads."""

    def __init__(self, material: DevelopmentMaterial, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds since 1970 (UTC). Raises ConfigError where key and certificates do not fit."""
        try:
            key = serialization.load_pem_private_key(material.key_pem, None)
            self._signer = x509.load_pem_x509_certificate(material.signer_pem)
            self.root = x509.load_pem_x509_certificate(material.root_pem)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"loading the development authority: expected PEM, got {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != self._signer.public_key():
            raise ConfigError("loading the development authority: expected the key of its certificate, got another")
        self._key = key
        self._clock = clock

    def reply(self, request_der: bytes) -> bytes:
        """Answer a stranger's request: the DER of a TimeStampResp, a rejection where it cannot be granted.

        Raises nothing for any input. RFC 3161 §2.4.2.
        """
        try:
            request = parse_request(request_der)
        except RequestError as error:
            return _rejection(error.failure, error.what)
        if request.policy not in (None, DEVELOPMENT_POLICY):
            return _rejection("unaccepted_policy", f"the only policy is {DEVELOPMENT_POLICY}")
        now_ms = self._clock()
        now = datetime.fromtimestamp(now_ms // 1000, UTC)
        if not self._signer.not_valid_before_utc <= now < self._signer.not_valid_after_utc:
            return _rejection("time_not_available", "the clock is outside the certificate's time")
        return self._grant(request, now_ms)

    def stamp(self, data: bytes) -> tuple[bytes, TimestampInfo]:
        """Ask ourselves for a timestamp on `data`, and check the answer as if a stranger had given it.

        Returns (DER of the response, what it says). Raises what `check_response` raises.
        """
        nonce = new_nonce()
        response = self.reply(build_request(data, nonce))
        return response, check_response(response, data, nonce, DEVELOPMENT_POLICY, [self.root])

    def _grant(self, request: Request, now_ms: int) -> bytes:
        tst_info = _tst_info(request, now_ms)
        attributes = _signed_attributes(tst_info, self._signer)
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        encoded = self._signer.public_bytes(serialization.Encoding.DER)
        certificate = cms.Certificate.load(encoded)
        named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        signer_info = {
            "version": "v1",
            "sid": {"issuer_and_serial_number": named},
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
        signed_data: dict[str, object] = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(tst_info)},
            "signer_infos": [signer_info],
        }
        if request.certificate_wanted:
            signed_data["certificates"] = [cms.CertificateChoices({"certificate": certificate})]
        token = {"content_type": "signed_data", "content": cms.SignedData(signed_data)}
        return bytes(TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def _tst_info(request: Request, now_ms: int) -> bytes:
    """Return the DER of the TSTInfo. genTime has the clock's milliseconds, without trailing zeros (RFC 3161 §2.4.2)."""
    fraction = f".{now_ms % 1000:03d}".rstrip("0").rstrip(".")
    seconds = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%d%H%M%S")
    gen_time = core.GeneralizedTime(contents=f"{seconds}{fraction}Z".encode("ascii"))
    fields: dict[str, object] = {
        "version": "v1",
        "policy": DEVELOPMENT_POLICY,
        "message_imprint": tsp.MessageImprint.load(request.message_imprint),
        "serial_number": secrets.randbits(SERIAL_BITS),
        "gen_time": gen_time,
        "accuracy": {"seconds": ACCURACY_SECONDS},
    }
    if request.nonce is not None:
        fields["nonce"] = request.nonce
    return bytes(tsp.TSTInfo(fields).dump())


def _signed_attributes(tst_info: bytes, signer: x509.Certificate) -> cms.CMSAttributes:
    """Return the signed attributes as the SET OF that is signed (RFC 5652 §5.4), with ESSCertIDv2 (RFC 5816)."""
    encoded = signer.public_bytes(serialization.Encoding.DER)
    identifier = {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": hashlib.sha256(encoded).digest()}
    values: dict[str, object] = {
        "content_type": "tst_info",
        "message_digest": hashlib.sha256(tst_info).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
    }
    return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values.items()])


def _rejection(failure: str, text: str) -> bytes:
    status = {"status": "rejection", "status_string": [text], "fail_info": {failure}}
    return bytes(TimeStampResp({"status": status}).dump())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _SUBJECT_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certify,
        key_cert_sign=certify,
        crl_sign=certify,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
