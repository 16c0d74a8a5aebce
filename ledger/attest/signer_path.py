"""May this certificate sign timestamps (RFC 3161 §2.3), and does a path lead from it to an anchor (RFC 5280 §6)?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from ledger.attest.strict_der import reading
from ledger.errors import SignatureError

_E = TypeVar("_E", bound=x509.ExtensionType)

MIN_RSA_BITS = 2048
"""FORMATS §8. cryptography's path check takes an RSA-1024 leaf, so the signer's key is measured here."""

MIN_EC_BITS = 256
"""FORMATS §8: the strength of RSA-3072, and the smallest curve in use for timestamps."""

MAX_PATH = 6
"""Certificates between signer and anchor: authorities have one or two; the bound keeps path building cheap."""


def check_signer(signer: x509.Certificate) -> None:
    """Raise SignatureError unless the certificate is one for timestamps alone, with a key that is strong enough.

    The extended key usage must be critical and timeStamping alone: a certificate that also serves a web site would let
    whoever holds the site's key make time. Key usage, where stated, must allow signing.
    """
    with reading("the timestamp signer's certificate"):
        key, extensions = signer.public_key(), signer.extensions
        usage = _extension(extensions, x509.ExtendedKeyUsage)
        key_usage = _extension(extensions, x509.KeyUsage)
    strong = (
        (isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= MIN_EC_BITS)
        or isinstance(key, ed25519.Ed25519PublicKey)
    )
    if not strong:
        raise SignatureError(
            f"checking a timestamp's signer: expected RSA of {MIN_RSA_BITS} bits, EC of {MIN_EC_BITS} or Ed25519,"
            f" got {type(key).__name__} of {getattr(key, 'key_size', 'unknown')}"
        )
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise SignatureError("checking a timestamp's signer: expected extended key usage timeStamping alone, critical")
    if key_usage is not None and not (key_usage.value.digital_signature or key_usage.value.content_commitment):
        raise SignatureError("checking a timestamp's signer: expected a key usage that allows signing")


def check_path(
    signer: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    moment: datetime,
) -> None:
    """Raise SignatureError unless a path leads from `signer` over `others` to one of `anchors`, all valid at `moment`.

    An anchor may be a root, an intermediate or the signer itself. cryptography's path check is the web's in its
    algorithms: issuers have RSA of 2,048 bits or more or a NIST curve, and sign with SHA-2.
    """
    authorities = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_certify)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_certify_timestamps)
    )
    signers = ExtensionPolicy.permit_all().require_present(x509.ExtendedKeyUsage, Criticality.CRITICAL, None)
    with reading("the timestamp's certificate path"):
        builder = PolicyBuilder().store(Store(list(anchors))).time(moment).max_chain_depth(MAX_PATH)
        verifier = builder.extension_policies(ca_policy=authorities, ee_policy=signers).build_client_verifier()
        try:
            verifier.verify(signer, list(others))
        except VerificationError as error:
            raise SignatureError(
                f"checking a timestamp: expected a path from {signer.subject.rfc4514_string()!r} to a trusted"
                f" certificate, valid at {moment:%Y-%m-%dT%H:%M:%SZ}, got none: {error}"
            ) from error


def _extension(extensions: x509.Extensions, kind: type[_E]) -> x509.Extension[_E] | None:
    try:
        return extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _may_certify(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError(f"{certificate.subject.rfc4514_string()} may not sign certificates")


def _may_certify_timestamps(policy: Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    """An issuer that is limited to other purposes (web sites, say) cannot make a timestamp authority."""
    allowed = {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and not allowed & set(usage):
        raise ValueError(f"{certificate.subject.rfc4514_string()} is limited to other purposes than timestamps")
