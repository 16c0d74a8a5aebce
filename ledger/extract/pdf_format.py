"""PDF (ISO 32000-2): what the document says of itself, who signed it, and how often it was saved since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ledger.extract import c2pa
from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import pdf_time
from ledger.extract.values import listing, text

if TYPE_CHECKING:
    from pypdf import PdfReader

MEDIA_TYPES: Final = ("application/pdf",)
VERSION: Final = 1
LIBRARIES: Final = ("pypdf", "asn1crypto")
_INFO, _XMP, _FILE = "document information", "XMP", "the file's structure"
FIELDS: Final = (
    Field("created_at", "when the document was made", f"{_INFO}, else {_XMP}"),
    Field("modified_at", "when it was last changed", f"{_INFO}, else {_XMP}"),
    Field("author", "who wrote it", f"{_INFO}, else {_XMP}"),
    Field("version", "the version that its maker gave it", "XMP xmpMM:VersionID"),
    Field("title", "title", f"{_INFO}, else {_XMP}"),
    Field("subject", "subject", _INFO),
    Field("keywords", "keywords", _INFO),
    Field("creator_tool", "the program the document was written in", f"{_INFO} Creator, else {_XMP}"),
    Field("producer", "the program that made the PDF", _INFO),
    Field("information", "every other entry of the document information", _INFO),
    Field("xmp", "identifiers, times, tool and history", _XMP),
    Field("pdf_version", "version of the format", "header, catalog"),
    Field("file_id", "identifiers of the first and of the present state; they differ once changed", "trailer ID"),
    Field("pages", "number of pages", "page tree"),
    Field("encrypted", "whether a password or certificate protects it", "trailer Encrypt"),
    Field("revisions", "where each saved state ends: earlier ones can be cut out and read", _FILE),
    Field("incremental_updates", "how often it was saved onto itself after it was first written", _FILE),
    Field("linearized", "whether it is ordered for the web", _FILE),
    Field("signatures", "digital signatures: who, when, over which bytes; not checked", "signature fields"),
    Field("changed_after_signing", "whether bytes follow that no signature covers; null: not signed", "ByteRange"),
    Field("attachments", "embedded files by name", "name tree EmbeddedFiles"),
    Field("scan", "pages without text of a font, of those looked at: digitised paper", "pages' resources"),
    Field("active_content", "scripts, actions and forms that act when opened", "catalog"),
    Field("c2pa", "whether Content Credentials are there, and who made them; not checked", "embedded file"),
)
NAMES: Final = names_of(FIELDS)

PAGES_LOOKED_AT: Final = 50
"""Pages whose resources are read, to tell scans: enough to know a document, few enough for one of 10,000 pages."""

TREE_MAX: Final = 1_000
"""Fields, names and files read from a tree; also what ends one that runs in a circle."""

_INFORMATION: Final = {
    "/Title": "title",
    "/Author": "author",
    "/Subject": "subject",
    "/Keywords": "keywords",
    "/Creator": "creator_tool",
    "/Producer": "producer",
}


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    from pypdf import PdfReader

    from ledger.extract.pdf_revisions import read_revisions
    from ledger.extract.pdf_signatures import read_signatures

    findings.put("c2pa", c2pa.absent())
    with findings.attempt("revisions"):
        read_revisions(source, findings)
    source.stream.seek(0)
    reader = PdfReader(source.stream, strict=False)
    findings.put("pdf_version", reader.pdf_header.removeprefix("%PDF-")[:16])
    encrypted = bool(reader.is_encrypted)
    findings.put("encrypted", encrypted)
    with findings.attempt("file id"):
        findings.put("file_id", _file_id(reader))
    if encrypted and not reader.decrypt(""):
        raise ExtractError("encrypted with a password")
    with findings.attempt("information"):
        _read_information(reader, findings)
    with findings.attempt("xmp"):
        _read_xmp(reader, findings)
    with findings.attempt("signatures"):
        read_signatures(reader, source, findings)
    with findings.attempt("attachments"):
        _read_attachments(reader, findings)
    with findings.attempt("active content"):
        findings.put("active_content", _active_content(reader))
    with findings.attempt("pages"):
        _read_pages(reader, findings)


def _catalog(reader: PdfReader) -> Any:
    return reader.trailer["/Root"].get_object()


def _file_id(reader: PdfReader) -> dict[str, object] | None:
    found = reader.trailer.get("/ID")
    if found is None:
        return None
    values = [getattr(part.get_object(), "original_bytes", b"")[:64].hex() for part in found.get_object()][:2]
    if len(values) != 2:
        return None
    return {"first": values[0], "present": values[1], "equal": values[0] == values[1]}


def _read_information(reader: PdfReader, findings: Findings) -> None:
    entry = reader.trailer.get("/Info")
    if entry is None:
        return
    information = entry.get_object()
    others: dict[str, object] = {}
    for key in list(information)[:TREE_MAX]:
        value = information[key]
        value = value.get_object() if hasattr(value, "get_object") else value
        told = text(str(value).strip()) if isinstance(value, str | bool | int) else None
        if key in _INFORMATION:
            findings.put(_INFORMATION[key], told)
        elif key == "/CreationDate":
            findings.put("created_at", pdf_time(told))
        elif key == "/ModDate":
            findings.put("modified_at", pdf_time(told))
        else:
            others[str(key).removeprefix("/")] = told
    findings.put("information", others or None)


def _read_xmp(reader: PdfReader, findings: Findings) -> None:
    from ledger.extract.xmp import Packet

    stream = _catalog(reader).get("/Metadata")
    if stream is None:
        return
    packet = Packet(stream.get_object().get_data())
    findings.put("xmp", packet.summary())
    findings.put_first("created_at", packet.time("xmp", "CreateDate"))
    findings.put_first("modified_at", packet.time("xmp", "ModifyDate"))
    findings.put_first("author", ", ".join(packet.values("dc", "creator")))
    findings.put_first("title", packet.value("dc", "title"))
    findings.put_first("creator_tool", packet.value("xmp", "CreatorTool"))
    findings.put_first("producer", packet.value("pdf", "Producer"))
    findings.put_first("version", packet.value("mm", "VersionID"))


def _read_attachments(reader: PdfReader, findings: Findings) -> None:
    names = _catalog(reader).get("/Names")
    files = names.get_object().get("/EmbeddedFiles") if names is not None else None
    found = []
    for name, specification in _name_tree(files) if files is not None else ():
        relation = str(specification.get("/AFRelationship", ""))
        found.append({"name": text(str(specification.get("/UF") or specification.get("/F") or name))})
        if relation == "/C2PA_Manifest":
            store = specification["/EF"].get_object()["/F"].get_object().get_data()
            findings.put("c2pa", c2pa.describe(store, "embedded file"))
    findings.put("attachments", listing(found))


def _name_tree(root: Any) -> list[tuple[str, Any]]:
    """Names and values of a name tree (§7.9.6). Its circle, if it has one, ends at TREE_MAX."""
    found: list[tuple[str, Any]] = []
    waiting = [root]
    for _ in range(TREE_MAX):
        if not waiting:
            break
        node = waiting.pop(0).get_object()
        pairs = list(node.get("/Names", ()))[: 2 * TREE_MAX]
        found += [(str(name), value.get_object()) for name, value in zip(pairs[::2], pairs[1::2], strict=False)]
        waiting += list(node.get("/Kids", ()))[:TREE_MAX]
    return found


def _active_content(reader: PdfReader) -> dict[str, object]:
    catalog = _catalog(reader)
    names = catalog.get("/Names")
    form = catalog.get("/AcroForm")
    return {
        "scripts": names is not None and "/JavaScript" in names.get_object(),
        "open_action": "/OpenAction" in catalog,
        "additional_actions": "/AA" in catalog,
        "form_fields": min(len(form.get_object().get("/Fields", ())), TREE_MAX) if form is not None else 0,
        "xfa": form is not None and "/XFA" in form.get_object(),
    }


def _read_pages(reader: PdfReader, findings: Findings) -> None:
    findings.put("pages", len(reader.pages))
    bare = pictures = looked = 0
    for page in reader.pages[:PAGES_LOOKED_AT]:
        looked += 1
        resources = page.get("/Resources")
        content = resources.get_object() if resources is not None else {}
        objects = content.get("/XObject")
        shows = (
            [each.get_object().get("/Subtype") for each in objects.get_object().values()] if objects is not None else []
        )
        bare += "/Font" not in content
        pictures += "/Font" not in content and "/Image" in shows
    findings.put("scan", {"pages_looked_at": looked, "pages_without_font": bare, "pages_of_pictures_alone": pictures})
