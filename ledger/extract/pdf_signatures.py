"""Digital signatures in a PDF (ISO 32000-2 §12.8): present, by whom, over which bytes. None is verified here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ledger.extract.cms_format import summarise
from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import pdf_time
from ledger.extract.values import listing, text

if TYPE_CHECKING:
    from pypdf import PdfReader

FIELDS_MAX: Final = 5_000
"""Form fields walked; also what ends a tree that runs in a circle."""

CONTENTS_BYTES: Final = 1024 * 1024
"""Bytes of one signature with its certificates and timestamps."""

_TEXTS: Final = {"filter": "/Filter", "sub_filter": "/SubFilter", "name": "/Name", "reason": "/Reason",
                 "location": "/Location", "contact": "/ContactInfo"}  # fmt: skip


def read_signatures(reader: PdfReader, source: Source, findings: Findings) -> None:
    """Fill `signatures` and `changed_after_signing`."""
    catalog: Any = reader.trailer["/Root"].get_object()
    form = catalog.get("/AcroForm")
    found = [_signature(field, source) for field in _signed_fields(form.get_object())] if form is not None else []
    findings.put("signatures", listing(found))
    if found:
        furthest = max(end if isinstance(end := signature["covers_up_to"], int) else 0 for signature in found)
        findings.put("changed_after_signing", _rest_matters(source, furthest))


def _signed_fields(form: Any) -> list[Any]:
    """Fields of type Sig that hold a signature."""
    signed = []
    waiting = list(form.get("/Fields", ()))[:FIELDS_MAX]
    for _ in range(FIELDS_MAX):
        if not waiting:
            break
        field = waiting.pop().get_object()
        if field.get("/FT") == "/Sig" and field.get("/V") is not None:
            signed.append(field)
        waiting += list(field.get("/Kids", ()))[: FIELDS_MAX - len(waiting)]
    return signed


def _signature(field: Any, source: Source) -> dict[str, object]:
    value = field["/V"].get_object()
    found: dict[str, object] = {"field": text(str(field.get("/T", "")))}
    for name, key in _TEXTS.items():
        entry = value.get(key)
        found[name] = text(str(entry).removeprefix("/")) if entry is not None else None
    found["signed_at"] = pdf_time(str(value.get("/M", "")))
    ranges = [int(part) for part in value.get("/ByteRange", ())][:8]
    found["byte_range"] = ranges
    found["covers_up_to"] = ranges[-2] + ranges[-1] if len(ranges) >= 4 and len(ranges) % 2 == 0 else None
    found["covers_all"] = found["covers_up_to"] == source.size and ranges[:1] == [0]
    found["signer"] = _signer(value)
    return found


def _signer(value: Any) -> dict[str, object] | None:
    contents = value.get("/Contents")
    data = getattr(contents, "original_bytes", None) or (contents if isinstance(contents, bytes) else b"")
    if not data or len(data) > CONTENTS_BYTES:
        return None
    try:
        return summarise(bytes(data))
    except (ExtractError, ValueError, TypeError, KeyError):
        return None  # another format of signature, or nonsense: that there is one is said by the rest


def _rest_matters(source: Source, furthest: int) -> bool:
    """Whether more than blanks follows what the furthest signature covers."""
    rest = source.size - furthest
    return rest > 64 or bool(source.at(furthest, max(rest, 0)).strip(b"\x00\t\n\f\r "))
