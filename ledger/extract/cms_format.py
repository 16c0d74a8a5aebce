"""CMS signed data (RFC 5652): files with an electronic signature, and the signatures inside PDF. Not verified."""

from __future__ import annotations

from typing import Any, Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.values import listing, text

MEDIA_TYPES: Final = ("application/cms",)
VERSION: Final = 1
LIBRARIES: Final = ("asn1crypto",)
FIELDS: Final = (
    Field("created_at", "when it was first signed, as the signer's computer says", "signingTime"),
    Field("author", "who signed first", "signer's certificate"),
    Field("signers", "each signer: certificate, algorithm, claimed time, timestamp; not checked", "signerInfos"),
    Field("content_bytes", "bytes of the signed content inside; null where it lies elsewhere", "encapContentInfo"),
)
NAMES: Final = names_of(FIELDS)

WHOLE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a signed file that is read: the content stands inside."""

SIGNERS_MAX: Final = 100
"""Signers and certificates that are looked at."""

_TIMESTAMP: Final = "1.2.840.113549.1.9.16.2.14"


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    found = _signed_data(source.whole(WHOLE_BYTES))
    content = found["encap_content_info"]["content"]
    findings.put("content_bytes", len(content.contents) if content.native is not None else None)
    signers = _signers(found)
    findings.put("signers", listing(signers))
    if signers:
        findings.put("author", signers[0]["subject"])
        findings.put("created_at", signers[0]["signing_time"])


def summarise(data: bytes) -> dict[str, object]:
    """The first signer of a CMS signature; bytes after its end (PDF pads with zeros) do not count.

    Raises ExtractError, or the parser's ValueError, TypeError, KeyError, for what is no signed data.
    """
    signers = _signers(_signed_data(data))
    if not signers:
        raise ExtractError("no signer")
    return signers[0]


def _signed_data(data: bytes) -> Any:
    from asn1crypto import cms

    content = cms.ContentInfo.load(data)
    if content["content_type"].native != "signed_data":
        raise ExtractError("no signed data")
    return content["content"]


def _signers(signed: Any) -> list[dict[str, object]]:
    certificates = [
        choice.chosen for choice in list(signed["certificates"])[:SIGNERS_MAX] if choice.name == "certificate"
    ]
    return [_signer(info, certificates) for info in list(signed["signer_infos"])[:SIGNERS_MAX]]


def _signer(info: Any, certificates: list[Any]) -> dict[str, object]:
    wanted = info["sid"].chosen.native
    mine = next((each for each in certificates if _is_of(each, wanted)), None)
    signed = info["signed_attrs"]
    when = next(
        (attribute["values"][0].native for attribute in signed if attribute["type"].native == "signing_time"), None
    )
    unsigned = info["unsigned_attrs"]
    return {
        "subject": text(mine.subject.human_friendly) if mine is not None else None,
        "issuer": text(mine.issuer.human_friendly) if mine is not None else None,
        "serial": format(mine.serial_number, "x") if mine is not None else None,
        "algorithm": str(info["signature_algorithm"]["algorithm"].native),
        "digest": str(info["digest_algorithm"]["algorithm"].native),
        "signing_time": when.strftime("%Y-%m-%dT%H:%M:%SZ") if when is not None else None,
        "timestamped": any(attribute["type"].dotted == _TIMESTAMP for attribute in unsigned),
    }


def _is_of(certificate: Any, wanted: Any) -> bool:
    """Whether a signer's identifier names a certificate: by serial number, or by key identifier."""
    if isinstance(wanted, bytes):
        return bool(certificate.key_identifier == wanted)
    return bool(certificate.serial_number == wanted["serial_number"])
