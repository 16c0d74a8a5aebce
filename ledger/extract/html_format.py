"""Web pages as files: where they were saved from, and what they say of themselves."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any, Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.times import iso_time, mail_time
from ledger.extract.values import listing, text

MEDIA_TYPES: Final = ("text/html", "application/xhtml+xml")
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
PAGE: Final = (
    Field("created_at", "when it was published, as the page says", "article:published_time, JSON-LD, meta"),
    Field("modified_at", "when it was changed, as the page says", "article:modified_time, JSON-LD, meta"),
    Field("author", "who wrote it, as the page says", "meta author, JSON-LD"),
    Field("version", "its version, as the page says", "JSON-LD version"),
    Field("title", "title", "title element, og:title"),
    Field("description", "description", "meta"),
    Field("language", "language", "html lang"),
    Field("charset", "character set, as the page says", "meta charset"),
    Field("generator", "the program that made it", "meta generator"),
    Field(
        "address", "the page's address: where it was saved from, else what it calls canonical", "saver's comment, link"
    ),
    Field("saved_at", "when it was saved", "saver's comment"),
    Field("saved_with", "the program that saved it", "saver's comment"),
    Field("canonical", "the address that the page itself names", "link canonical, og:url"),
    Field("site_name", "the site's name", "og:site_name"),
    Field("meta", "all meta elements by name", "meta"),
    Field("counts", "links, pictures, scripts, frames, forms", "elements"),
    Field("hosts", "other computers that links, pictures and scripts refer to", "addresses"),
)
FIELDS: Final = PAGE
NAMES: Final = names_of(FIELDS)

PAGE_BYTES: Final = 32 * 1024 * 1024
"""Bytes of a page that are read: one saved with its pictures inside has some megabytes."""

META_MAX: Final = 200
"""Meta elements that are kept."""

HOSTS_MAX: Final = 1_000
"""Hosts that are kept apart."""

SCRIPT_CHARACTERS: Final = 512 * 1024
"""Characters of linked data (JSON-LD) that are parsed."""

# Internet Explorer and Chrome; SingleFile; Firefox's own and others write none.
_SAVED_FROM: Final = re.compile(r"\s*saved from url=\(\d{1,6}\)(\S{1,2000})")
_SINGLE_FILE: Final = re.compile(r"\s*Page saved with SingleFile\s+url:\s*(\S{1,2000})\s+saved date:\s*([^\n]{1,100})")
_HOST: Final = re.compile(r"(?:https?:)?//([A-Za-z0-9.-]{1,253})(?=[:/?#]|$)")
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_COUNTED: Final = {"a": "links", "img": "pictures", "script": "scripts", "iframe": "frames", "form": "forms"}
_CREATED: Final = ("article:published_time", "datepublished", "dc.date.created", "dcterms.created", "date", "dc.date")
_MODIFIED: Final = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified")


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    read_page(source.at(0, PAGE_BYTES), findings)
    if source.size > PAGE_BYTES:
        raise ExtractError(f"larger than {PAGE_BYTES} bytes: the rest was not read")


def read_page(data: bytes, findings: Findings) -> None:
    """Fill PAGE from a page's bytes."""
    charset, content = _text(data)
    findings.put("charset", charset)
    page = _Page()
    page.feed(content)
    findings.put("title", page.title.strip() or page.meta.get("og:title"))
    for name, sources in {
        "author": ("author", "article:author", "dc.creator"),
        "description": ("description", "og:description"),
        "generator": ("generator",),
        "site_name": ("og:site_name",),
    }.items():
        findings.put(name, next((page.meta[source] for source in sources if source in page.meta), None))
    findings.put("language", page.language)
    findings.put("created_at", next((t for name in _CREATED if (t := iso_time(page.meta.get(name)))), None))
    findings.put("modified_at", next((t for name in _MODIFIED if (t := _any_time(page.meta.get(name)))), None))
    findings.put("canonical", page.canonical or page.meta.get("og:url"))
    findings.put("meta", page.meta or None)
    findings.put("counts", page.counts)
    findings.put("hosts", listing(sorted(page.hosts)))
    _read_savers_comment(page.comments, findings)
    findings.put_first("address", findings.get("canonical"))
    with findings.attempt("linked data"):
        _read_linked_data(page.linked_data, findings)


def _text(data: bytes) -> tuple[str | None, str]:
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    found = _CHARSET.search(data[:8_192])
    named = found[1].decode("ascii").lower() if found else None
    try:
        return named or marked, data.decode(marked or named or "utf-8", "replace")
    except (LookupError, ValueError):  # a charset that nobody knows
        return named, data.decode("utf-8", "replace")


class _Page(HTMLParser):
    """The elements that are asked for, gathered in one pass."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.language: str | None = None
        self.canonical: str | None = None
        self.meta: dict[str, str] = {}
        self.counts = dict.fromkeys(_COUNTED.values(), 0)
        self.hosts: set[str] = set()
        self.comments: list[str] = []
        self.linked_data = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count, and keep what the element says."""
        found = {name: value or "" for name, value in attrs}
        if tag in _COUNTED:
            self.counts[_COUNTED[tag]] += 1
        for name in ("src", "href", "action"):
            host = _HOST.match(found.get(name, "")[:2_000])
            if host and len(self.hosts) < HOSTS_MAX:
                self.hosts.add(host[1].lower())
        if tag == "html":
            self.language = self.language or text(found.get("lang") or "", 40) or None
        elif tag == "link" and found.get("rel", "").lower() == "canonical":
            self.canonical = self.canonical or text(found.get("href", ""), 2_000) or None
        elif tag == "meta" and len(self.meta) < META_MAX:
            named = found.get("name") or found.get("property") or found.get("itemprop") or found.get("http-equiv")
            if named and found.get("content"):
                self.meta.setdefault(text(named.lower(), 100), text(found["content"], 1_000))
        elif tag == "title" and not self.title:
            self._inside = "title"
        elif tag == "script" and found.get("type", "").lower() == "application/ld+json":
            self._inside = "linked data"

    def handle_endtag(self, tag: str) -> None:
        """What stood inside is over."""
        if tag in ("title", "script"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """The text of the title, and linked data."""
        if self._inside == "title" and len(self.title) < 1_000:
            self.title += data[:1_000]
        elif self._inside == "linked data" and len(self.linked_data) < SCRIPT_CHARACTERS:
            self.linked_data += data
            self._inside = ""  # a second block would not parse together with the first

    def handle_comment(self, data: str) -> None:
        """Savers write theirs at the very beginning."""
        if len(self.comments) < 20:
            self.comments.append(data[:5_000])


def _any_time(value: str | None) -> str | None:
    return iso_time(value) or mail_time(value)


def _read_savers_comment(comments: list[str], findings: Findings) -> None:
    for comment in comments:
        if found := _SAVED_FROM.match(comment):
            findings.put_first("address", text(found[1], 2_000))
            findings.put_first("saved_with", "a browser")
        elif found := _SINGLE_FILE.match(comment):
            findings.put_first("address", text(found[1], 2_000))
            findings.put_first("saved_with", "SingleFile")
            findings.put_first("saved_at", _script_time(found[2]))


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCRIPT_DATE: Final = re.compile(r"\w{3} (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d\d)(\d\d)")


def _script_time(value: str) -> str | None:
    """A date as JavaScript prints it: `Mon Nov 02 2026 08:41:07 GMT+0500 (…)`."""
    found = _SCRIPT_DATE.match(value.strip())
    if found is None or found[1] not in _MONTHS:
        return iso_time(value)
    return iso_time(f"{found[3]}-{_MONTHS.index(found[1]) + 1:02}-{found[2]}T{found[4]}{found[5]}:{found[6]}")


def _read_linked_data(content: str, findings: Findings) -> None:
    """schema.org's dates and author, where meta elements gave none."""
    if not content.strip():
        return
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ExtractError("not json") from error
    graph = found.get("@graph", [found]) if isinstance(found, dict) else found
    for thing in graph[:50] if isinstance(graph, list) else ():
        if isinstance(thing, dict):
            findings.put_first("created_at", iso_time(_string(thing.get("datePublished"))))
            findings.put_first("modified_at", iso_time(_string(thing.get("dateModified"))))
            findings.put_first("author", _name(thing.get("author")))
            findings.put_first("version", _string(thing.get("version")))


def _string(value: Any) -> str | None:
    return text(value, 400) if isinstance(value, str) else None


def _name(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(name for each in value[:20] if (name := _name(each))) or None
    return _string(value.get("name")) if isinstance(value, dict) else _string(value)
