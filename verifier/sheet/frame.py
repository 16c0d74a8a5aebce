"""The frame of every page, and the few forms that its sections are made of."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

from verifier.canonical_json import Json
from verifier.sheet.markup import Markup, join, tag, visible
from verifier.sheet.style import POLICY, STYLE
from verifier.sheet.words import SheetWords

# A value may have 128 KiB and a bundle 100,000 members; a page is read by people, and --json has all of it.
MAX_SHOWN = 2_000
MAX_ROWS = 1_100  # more than the names of one entry
GROUP = 8


def page(language: str, title: str, number: str, *sections: str) -> str:
    """A whole page: self-contained, printable, and forbidden to load or run anything."""
    head = (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    )
    banner = tag("header", tag("p", "evidence-verify"), tag("p", number, class_="number"))
    body = join(banner, Markup("\n<main>\n"), tag("h1", title), *sections, Markup("\n</main>\n"))
    return f"{head}{tag('title', title)}\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"


def section(heading: str, *content: str) -> Markup:
    """A section with its heading; nothing where there is no content."""
    inner = join(*content)
    return join(Markup("\n"), tag("section", tag("h2", heading), inner)) if inner else Markup()


def bullets(items: Iterable[str]) -> Markup:
    """A list; nothing where it would be empty."""
    inner = join(*(tag("li", item) for item in items))
    return tag("ul", inner) if inner else Markup()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: SheetWords) -> Markup:
    """A table of at most MAX_ROWS rows, with the number of those left out; nothing without rows."""
    if not rows:
        return Markup()
    head = tag("thead", tag("tr", *(tag("th", heading, scope="col") for heading in headings)))
    body = join(*(join(Markup("\n"), tag("tr", *(tag("td", cell) for cell in row))) for row in rows[:MAX_ROWS]))
    return join(tag("table", head, tag("tbody", body)), more(len(rows) - MAX_ROWS, words))


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """A table of labels and what stands for them."""
    inner = join(
        *(join(Markup("\n"), tag("tr", tag("th", label, scope="row"), tag("td", value))) for label, value in rows)
    )
    return tag("table", tag("tbody", inner)) if inner else Markup()


def more(count: int, words: SheetWords) -> Markup:
    """That so many more are not shown; nothing if none are."""
    return tag("p", words.more.format(count=count), class_="cut") if count > 0 else Markup()


def mark(icon: str, word: str, manner: str) -> Markup:
    """An icon and a word in a border: never colour alone."""
    return tag("span", tag("span", icon, aria_hidden="true"), " ", word, class_=f"mark {manner}")


def value(found: Json, words: SheetWords) -> Markup:
    """A value from outside, isolated from the direction of the text around it, and cut with its length said."""
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    cut = visible(text[:MAX_SHOWN])
    note = words.cut.format(shown=MAX_SHOWN, length=len(text)) if len(text) > MAX_SHOWN else ""
    return join(tag("bdi", cut, class_="value"), tag("span", f" {note}", class_="cut") if note else "")


def english(text: str) -> Markup:
    """What the verifier itself says, in English on every page."""
    return tag("span", visible(text), lang="en")


def digest(text: str) -> Markup:
    """Hex in groups of 8; its first and last group are what people compare."""
    groups = [text[at : at + GROUP] for at in range(0, len(text), GROUP)]
    shown = [tag("strong", group) if at in (0, len(groups) - 1) else visible(group) for at, group in enumerate(groups)]
    return tag("span", Markup(" ".join(shown)), class_="digest")


def name(text: str) -> Markup:
    """A field's name."""
    return tag("code", visible(text))
