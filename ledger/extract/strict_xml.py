"""XML of strangers, through expat, without anything that lets a small file become a large one.

A document type declaration is refused: without it there are no entities but the five of XML itself, so neither billion
laughs nor external entities exist. No format read here needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from ledger.extract.errors import ExtractError

ELEMENTS_MAX: Final = 20_000
"""Elements of a tree kept in memory: property files have some fifty, XMP with a long history some thousands."""

DEPTH_MAX: Final = 100
"""Nesting of a tree kept in memory."""

TEXT_MAX: Final = 256 * 1024
"""Characters of one element's own text."""

_NAMESPACE_SEPARATOR: Final = " "


@dataclass(slots=True)
class Element:
    """An element: `name` and attribute names as `namespace local`, or `local` where there is no namespace."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return local(self.name)

    def walk(self) -> Iterator[Element]:
        """This element and all below, in the document's order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)

    def first(self, name: str) -> Element | None:
        """The first element below of this local name."""
        return next((element for element in self.walk() if element is not self and element.local == name), None)

    def all(self, name: str) -> list[Element]:
        """Every element below of this local name."""
        return [element for element in self.walk() if element is not self and element.local == name]

    def attribute(self, name: str) -> str | None:
        """The value of the attribute of this local name."""
        return next((value for key, value in self.attributes.items() if local(key) == name), None)


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(_NAMESPACE_SEPARATOR)[2]


def parse_tree(data: bytes) -> Element:
    """The document's tree. Raises ExtractError for what is not XML, has a document type, or is larger than a tree."""
    root: list[Element] = []
    open_elements: list[Element] = []
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > ELEMENTS_MAX or len(open_elements) >= DEPTH_MAX:
            raise ExtractError("xml with too many elements")
        element = Element(name, attributes)
        (open_elements[-1].children if open_elements else root).append(element)
        open_elements.append(element)

    def end(_name: str) -> None:
        open_elements.pop()

    def characters(piece: str) -> None:
        element = open_elements[-1]
        if len(element.text) + len(piece) <= TEXT_MAX:
            element.text += piece

    feed([data], start, end, characters)
    return root[0]


def feed(
    chunks: Iterator[bytes] | list[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> None:
    """Parse a document of any size as a stream of events. Raises ExtractError for what is not XML, or has a document
    type.
    """
    parser = expat.ParserCreate(namespace_separator=_NAMESPACE_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if characters is not None:
        parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ExtractError("not well-formed xml") from error


def _refuse_doctype(_name: str, _system: str | None, _public: str | None, _internal: bool) -> None:
    raise ExtractError("xml with a document type")
