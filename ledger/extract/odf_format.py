"""OpenDocument (ISO/IEC 26300): text, spreadsheets, presentations, drawings."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.package import Package
from ledger.extract.source import Source
from ledger.extract.strict_xml import Element, feed, local
from ledger.extract.times import iso_time
from ledger.extract.values import listing, text

_KINDS: Final = ("text", "text-template", "spreadsheet", "spreadsheet-template", "presentation",
                 "presentation-template", "graphics")  # fmt: skip
MEDIA_TYPES: Final = tuple(f"application/vnd.oasis.opendocument.{kind}" for kind in _KINDS)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
_META: Final = "meta.xml"
FIELDS: Final = (
    Field("created_at", "when the document was made", f"{_META} creation-date"),
    Field("modified_at", "when it was last saved", f"{_META} dc:date"),
    Field("author", "who made it", f"{_META} initial-creator, else dc:creator"),
    Field("version", "the number of saves", f"{_META} editing-cycles"),
    Field("last_modified_by", "who saved it last", f"{_META} dc:creator"),
    Field("editing_cycles", "how often it was saved", _META),
    Field("editing_duration", "how long it was edited, as ISO 8601 writes durations", _META),
    Field("printed_at", "when it was last printed", f"{_META} print-date"),
    Field("printed_by", "by whom", _META),
    Field("title", "title", _META),
    Field("subject", "subject", _META),
    Field("keywords", "keywords", _META),
    Field("description", "description", _META),
    Field("language", "language", _META),
    Field("software", "program and its version", f"{_META} generator"),
    Field("template", "the template it was made from", _META),
    Field("statistics", "pages, words, characters, tables … as the program counted", _META),
    Field("custom_properties", "properties that somebody added", f"{_META} user-defined"),
    Field("people", "everybody named in comments and tracked changes, with how many of both", "content.xml"),
    Field("tracked_changes", "changes still recorded", "content.xml"),
    Field("comments", "comments", "content.xml"),
    Field("kept_versions", "earlier versions kept inside: title, author, time", "VersionList.xml"),
    Field("macros", "whether there are macros", "Basic, Scripts"),
    Field("embedded", "pictures and objects inside, by name and size", "the package"),
    Field("signatures", "whether there is a file of digital signatures; not checked", "META-INF"),
    Field("member_times", "earliest and latest time of the parts in the package", "zip directory"),
)
NAMES: Final = names_of(FIELDS)

_TEXTS: Final = {"initial-creator": "author", "creator": "last_modified_by", "title": "title", "subject": "subject",
                 "description": "description", "language": "language", "generator": "software",
                 "printed-by": "printed_by", "editing-duration": "editing_duration"}  # fmt: skip
_TIMES: Final = {"creation-date": "created_at", "date": "modified_at", "print-date": "printed_at"}
_CHANGES: Final = frozenset({"changed-region", "cell-content-change", "insertion", "deletion", "movement"})


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    package = Package(source)
    findings.put("member_times", package.times())
    findings.put("macros", any(name.startswith(("Basic/", "Scripts/")) for name in package.names))
    findings.put("signatures", package.has("META-INF/documentsignatures.xml"))
    findings.put(
        "embedded", listing([each for folder in ("Pictures/", "Object ", "media/") for each in package.below(folder)])
    )
    with findings.attempt("meta"):
        _read_meta(package.tree(_META), findings)
    with findings.attempt("content"):
        _read_content(package, findings)
    if package.has("VersionList.xml"):
        with findings.attempt("versions"):
            findings.put(
                "kept_versions",
                listing(_version(each) for each in package.tree("VersionList.xml").all("version-entry")),
            )


def _read_meta(root: Element, findings: Findings) -> None:
    meta = root.first("meta") or root
    keywords, custom = [], {}
    for child in meta.children:
        value = text(child.text.strip())
        if child.local in _TEXTS:
            findings.put(_TEXTS[child.local], value)
        elif child.local in _TIMES:
            findings.put(_TIMES[child.local], iso_time(value))
        elif child.local == "keyword":
            keywords.append(value)
        elif child.local == "editing-cycles" and value.isascii() and value.isdigit() and len(value) <= 15:
            findings.put("editing_cycles", int(value))
            findings.put("version", value)
        elif child.local == "template":
            findings.put("template", text(child.attribute("title") or child.attribute("href") or ""))
        elif child.local == "document-statistic":
            findings.put("statistics", {local(name): text(number, 20) for name, number in child.attributes.items()})
        elif child.local == "user-defined":
            custom[text(child.attribute("name") or "")] = value
    findings.put("keywords", ", ".join(keywords))
    findings.put("custom_properties", custom or None)
    findings.put_first("author", findings.get("last_modified_by"))


def _read_content(package: Package, findings: Findings) -> None:
    """People stand in dc:creator elements of annotations and change information: those are counted as they go by."""
    counts: Counter[str] = Counter()
    people: Counter[str] = Counter()
    pieces: list[str] = []
    open_creator = False

    def start(tag: str, _attributes: dict[str, str]) -> None:
        nonlocal open_creator
        name = local(tag)
        counts["comments"] += name == "annotation"
        counts["changes"] += name == "changed-region" or (name in _CHANGES and "table" in tag)
        open_creator = name == "creator"
        pieces.clear()

    def end(tag: str) -> None:
        nonlocal open_creator
        if open_creator and local(tag) == "creator":
            people[text("".join(pieces).strip(), 200)] += 1
        open_creator = False

    feed(package.stream("content.xml"), start, end, lambda piece: pieces.append(piece[:200]) if open_creator else None)
    findings.put("tracked_changes", counts["changes"])
    findings.put("comments", counts["comments"])
    findings.put("people", listing({"name": name, "acts": people[name]} for name in sorted(people)))


def _version(entry: Element) -> dict[str, object]:
    return {
        "title": text(entry.attribute("title") or ""),
        "author": text(entry.attribute("creator") or ""),
        "saved_at": iso_time(entry.attribute("date-time")),
        "comment": text(entry.attribute("comment") or ""),
    }
