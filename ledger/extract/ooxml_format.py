"""DOCX, XLSX, PPTX (ECMA-376): properties, authors, changes and comments, what is hidden and what lies inside."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.package import Package
from ledger.extract.source import Source
from ledger.extract.strict_xml import Element, feed, local
from ledger.extract.times import iso_time
from ledger.extract.values import listing, text

_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES: Final = (
    f"{_OPEN_XML}wordprocessingml.document",
    f"{_OPEN_XML}spreadsheetml.sheet",
    f"{_OPEN_XML}presentationml.presentation",
    "application/vnd.ms-word.document.macroEnabled.12",
    "application/vnd.ms-excel.sheet.macroEnabled.12",
    "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
_CORE, _APP = "docProps/core.xml", "docProps/app.xml"
FIELDS: Final = (
    Field("created_at", "when the document was made", _CORE),
    Field("modified_at", "when it was last saved", _CORE),
    Field("author", "who made it", f"{_CORE} creator"),
    Field("version", "the version its author gave it, else the number of saves", f"{_CORE} version, revision"),
    Field("last_modified_by", "who saved it last", _CORE),
    Field("revision", "how often it was saved", _CORE),
    Field("printed_at", "when it was last printed", f"{_CORE} lastPrinted"),
    Field("title", "title", _CORE),
    Field("subject", "subject", _CORE),
    Field("keywords", "keywords", _CORE),
    Field("description", "comments on the document", _CORE),
    Field("category", "category", _CORE),
    Field("status", "such as draft or final", f"{_CORE} contentStatus"),
    Field("language", "language", _CORE),
    Field("software", "program and its version", f"{_APP} Application, AppVersion"),
    Field("template", "the template it was made from", _APP),
    Field("company", "the company set in the program", _APP),
    Field("manager", "the manager set in the program", _APP),
    Field("editing_minutes", "how long it was open for editing", f"{_APP} TotalTime"),
    Field("statistics", "pages, words, characters, slides … as the program counted", _APP),
    Field("custom_properties", "properties that somebody added", "docProps/custom.xml"),
    Field("people", "everybody named in comments and tracked changes, with how many of each", "the document's parts"),
    Field("tracked_changes", "insertions and deletions still recorded: how many, first and last", "w:ins, w:del …"),
    Field("comments", "comments: how many, first and last", "comments parts"),
    Field("editing_sessions", "sessions of editing in which text was written", "word/settings.xml rsids"),
    Field("sheets", "sheets with their state, hidden ones too", "xl/workbook.xml"),
    Field("slides", "number of slides", "ppt/slides"),
    Field("macros", "whether there is a macro project", "vbaProject.bin"),
    Field("embedded", "files and media inside, by name and size", "media, embeddings"),
    Field("external_links", "addresses outside that the document refers to", "relations"),
    Field("signatures", "number of digital signatures; not checked", "_xmlsignatures"),
    Field("member_times", "earliest and latest time of the parts in the package", "zip directory"),
)
NAMES: Final = names_of(FIELDS)

RELATION_PARTS_MAX: Final = 200
"""Parts of relations that are read."""

_CORE_TEXTS: Final = {"creator": "author", "lastModifiedBy": "last_modified_by", "title": "title", "subject": "subject",
                      "keywords": "keywords", "description": "description", "category": "category",
                      "contentStatus": "status", "language": "language"}  # fmt: skip
_CORE_TIMES: Final = {"created": "created_at", "modified": "modified_at", "lastPrinted": "printed_at"}
_APP_TEXTS: Final = {"Template": "template", "Company": "company", "Manager": "manager"}
_STATISTICS: Final = ("Pages", "Words", "Characters", "CharactersWithSpaces", "Lines", "Paragraphs", "Slides", "Notes",
                      "HiddenSlides", "MMClips")  # fmt: skip
_CHANGES: Final = frozenset({"ins", "del", "moveFrom", "moveTo", "cellIns", "cellDel", "rPrChange", "pPrChange",
                             "sectPrChange", "tblPrChange", "tcPrChange", "trPrChange"})  # fmt: skip
_COMMENT_PARTS: Final = ("word/comments.xml", "xl/comments", "xl/threadedComments/", "ppt/comments/")


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    package = Package(source)
    findings.put("member_times", package.times())
    findings.put("macros", any(name.endswith("vbaProject.bin") for name in package.names))
    findings.put("signatures", sum(_is_signature(name) for name in package.names))
    findings.put("embedded", listing([each for folder in ("word/", "xl/", "ppt/") for part in ("media/", "embeddings/")
                                      for each in package.below(folder + part)]))  # fmt: skip
    if package.has(_CORE):
        with findings.attempt("core properties"):
            _read_core(package.tree(_CORE), findings)
    if package.has(_APP):
        with findings.attempt("application properties"):
            _read_app(package.tree(_APP), findings)
    if package.has("docProps/custom.xml"):
        with findings.attempt("custom properties"):
            findings.put("custom_properties", _custom(package.tree("docProps/custom.xml")))
    with findings.attempt("people"):
        _read_people(package, findings)
    with findings.attempt("content"):
        _read_content(package, findings)
    with findings.attempt("relations"):
        findings.put("external_links", listing(_external(package)))


def _is_signature(name: str) -> bool:
    return name.startswith("_xmlsignatures/") and name.endswith(".xml") and "/_rels/" not in name


def _read_core(core: Element, findings: Findings) -> None:
    for child in core.children:
        if child.local in _CORE_TEXTS:
            findings.put(_CORE_TEXTS[child.local], text(child.text.strip()))
        elif child.local in _CORE_TIMES:
            findings.put(_CORE_TIMES[child.local], iso_time(child.text))
        elif child.local == "revision":
            findings.put("revision", _count(child.text))
        elif child.local == "version":
            findings.put("version", text(child.text.strip()))
    saves = findings.get("revision")
    findings.put_first("version", str(saves) if saves is not None else None)


def _count(value: str) -> int | None:
    digits = value.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None


def _read_app(app: Element, findings: Findings) -> None:
    texts = {child.local: text(child.text.strip()) for child in app.children}
    for name, field in _APP_TEXTS.items():
        findings.put(field, texts.get(name))
    findings.put("software", " ".join(filter(None, (texts.get("Application"), texts.get("AppVersion")))))
    findings.put("editing_minutes", _count(texts.get("TotalTime", "")))
    statistics = {name.lower(): _count(texts[name]) for name in _STATISTICS if name in texts}
    findings.put("statistics", statistics or None)


def _custom(root: Element) -> dict[str, str]:
    return {
        text(each.attribute("name") or ""): text("".join(below.text for below in each.walk()).strip())
        for each in root.children[:500]
    }


class _People:
    """Names, kinds and times of recorded acts, gathered over several parts."""

    def __init__(self) -> None:
        self.acts: dict[str, Counter[str]] = {"changes": Counter(), "comments": Counter()}
        self.times: dict[str, list[str]] = {"changes": [], "comments": []}

    def add(self, kind: str, attributes: dict[str, str]) -> None:
        """One act; its author and time stand in attributes of those local names."""
        found = {local(name): value for name, value in attributes.items()}
        self.acts[kind][text(found.get("author") or found.get("personId") or found.get("authorId") or "", 200)] += 1
        moment = iso_time(found.get("date") or found.get("dT") or found.get("dt"))
        if moment:
            self.times[kind].append(moment)

    def summary(self, kind: str) -> dict[str, object]:
        """How many, first and last."""
        times = self.times[kind]
        return {"count": self.acts[kind].total(), "first": min(times, default=None), "last": max(times, default=None)}

    def people(self) -> list[dict[str, object]]:
        """Everybody, by name."""
        names = sorted(name for name in set(self.acts["changes"]) | set(self.acts["comments"]) if name)
        return [{"name": n, "changes": self.acts["changes"][n], "comments": self.acts["comments"][n]} for n in names]


def _read_people(package: Package, findings: Findings) -> None:
    people = _People()
    for name in package.names:
        if not name.endswith(".xml") or "/_rels/" in name:
            continue
        if name.startswith(("word/document", "word/header", "word/footer", "word/footnotes", "word/endnotes")):
            feed(
                package.stream(name),
                lambda tag, found: people.add("changes", found) if local(tag) in _CHANGES else None,
            )
        elif name.startswith(_COMMENT_PARTS):
            feed(package.stream(name), lambda tag, found: people.add("comments", found) if _comment(tag) else None)
    findings.put("tracked_changes", people.summary("changes"))
    findings.put("comments", people.summary("comments"))
    findings.put("people", listing(people.people()))


def _comment(tag: str) -> bool:
    return local(tag) in ("comment", "cm", "threadedComment")


def _read_content(package: Package, findings: Findings) -> None:
    if package.has("word/settings.xml"):
        findings.put("editing_sessions", len(package.tree("word/settings.xml").all("rsid")))
    if package.has("xl/workbook.xml"):
        sheets = package.tree("xl/workbook.xml").all("sheet")
        findings.put("sheets", listing(map(_sheet, sheets)))
    if package.has("ppt/presentation.xml"):
        findings.put("slides", sum(n.startswith("ppt/slides/slide") and n.endswith(".xml") for n in package.names))
    if not any(package.has(main) for main in ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml")):
        raise ExtractError("no main part")


def _sheet(sheet: Element) -> dict[str, object]:
    return {"name": text(sheet.attribute("name") or ""), "state": text(sheet.attribute("state") or "visible", 40)}


def _external(package: Package) -> list[str]:
    found: set[str] = set()
    parts = [name for name in package.names if name.endswith(".rels")]
    for name in parts[:RELATION_PARTS_MAX]:
        for relation in package.tree(name).all("Relationship"):
            if relation.attribute("TargetMode") == "External":
                found.add(text(relation.attribute("Target") or "", 1_000))
    return sorted(found)
