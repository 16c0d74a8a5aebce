"""A web page saved by a browser as one file (MHTML, RFC 2557)."""

from __future__ import annotations

import email
import email.policy
import hashlib
from typing import Final

from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.html_format import PAGE, read_page
from ledger.extract.mail_format import MESSAGE_BYTES, leaves
from ledger.extract.mail_headers import Compat32, field
from ledger.extract.source import Source
from ledger.extract.times import mail_time
from ledger.extract.values import listing, text

MEDIA_TYPES: Final = ("multipart/related",)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    *PAGE,
    Field("saved_by", "the browser, as it names itself", "From"),
    Field("resources", "pictures, styles and frames saved with the page: address, kind, size, SHA-256", "MIME"),
)
NAMES: Final = names_of(FIELDS)


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    message: Compat32 = email.message_from_bytes(source.whole(MESSAGE_BYTES), policy=email.policy.compat32)
    resources: list[dict[str, object]] = []
    page: bytes | None = None
    for part in leaves(message):
        if part.get_content_maintype() == "multipart":
            continue
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        if page is None and part.get_content_type() == "text/html":
            page = data
        address = field(part, "Content-Location") or field(part, "Content-ID")
        resources.append({"address": address, "media_type": text(part.get_content_type(), 200), "bytes": len(data),
                          "sha256": hashlib.sha256(data).hexdigest()})  # fmt: skip
    if page is not None:
        with findings.attempt("page"):
            read_page(page, findings)
    findings.put("resources", listing(resources))
    findings.put("saved_by", field(message, "From"))
    findings.put("saved_at", mail_time(field(message, "Date")))
    findings.put_first("title", field(message, "Subject"))
    address = field(message, "Snapshot-Content-Location")
    findings.put("address", address or findings.get("address"))
