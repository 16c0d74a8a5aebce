"""Reads a page as a browser's parser would, and holds it to what every page must be."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br"}
ALLOWED = {
    *("html", "head", "title", "style", "body", "header", "main", "section", "footer", "p", "h1", "h2", "h3", "h4"),
    *("ul", "li", "table", "thead", "tbody", "tr", "th", "td", "span", "strong", "b", "bdi", "code", *VOID),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "role", "aria-hidden", "scope"}


@dataclass
class Page(HTMLParser):
    """A page's text, its elements, and the texts of each table's cells."""

    language: str = ""
    text: str = ""
    style: str = ""
    policy: str = ""
    tags: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert tag in ALLOWED, f"{tag} has no place in a page"
        assert attributes.keys() <= ATTRIBUTES and len(attributes) == len(attrs), (tag, attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = attributes["lang"] or ""
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("td", "th", "li", "p"):
            self.cells.append("")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"{tag} is closed out of turn"

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["style"]:
            self.style += data
            return
        self.text += data
        if self.cells:
            self.cells[-1] += data
        if "tr" in self.stack and self.rows[-1]:
            self.rows[-1][-1] += data

    def row_of(self, first: str, cells: int) -> list[str]:
        """The one row of so many cells that begins with a text."""
        (row,) = (row for row in self.rows if len(row) == cells and row[0].strip() == first)
        return [cell.strip() for cell in row]


def read_page(path: Path) -> Page:
    """The page in a file, which must be self-contained, without scripts, and forbid everything else."""
    source = path.read_text(encoding="utf-8")
    assert source.startswith("<!DOCTYPE html>\n")
    page = Page()
    page.feed(source)
    page.close()
    assert page.stack == [] and page.language in ("en", "kk", "ru")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in page.style and "@import" not in page.style
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f]", source), "a bidi control is not visible"
    return page
