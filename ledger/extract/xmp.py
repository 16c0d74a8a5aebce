"""XMP (ISO 16684-1): the packet that editors leave in pictures and PDF files, with the history of their work."""

from __future__ import annotations

from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.strict_xml import Element, parse_tree
from ledger.extract.times import iso_time
from ledger.extract.values import listing, text

PACKET_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a packet that is parsed: long histories have some hundred KiB."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_NAMESPACES: Final = {
    "dc": "http://purl.org/dc/elements/1.1/ ",
    "xmp": "http://ns.adobe.com/xap/1.0/ ",
    "mm": "http://ns.adobe.com/xap/1.0/mm/ ",
    "pdf": "http://ns.adobe.com/pdf/1.3/ ",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/ ",
    "exif": "http://ns.adobe.com/exif/1.0/ ",
    "aux": "http://ns.adobe.com/exif/1.0/aux/ ",
    "tiff": "http://ns.adobe.com/tiff/1.0/ ",
    "event": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent# ",
    "reference": "http://ns.adobe.com/xap/1.0/sType/ResourceRef# ",
    "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ ",
}
_HISTORY_MEMBERS: Final = ("action", "when", "softwareAgent", "changed", "parameters", "instanceID")


class Packet:
    """One parsed packet. Properties are asked by short prefix and name: `packet.value("xmp", "CreateDate")`."""

    def __init__(self, data: bytes) -> None:
        """Parse. Raises ExtractError for what is not a packet, or one of more than PACKET_BYTES."""
        if len(data) > PACKET_BYTES:
            raise ExtractError(f"a packet larger than {PACKET_BYTES} bytes")
        root = parse_tree(data.strip(b"\x00 \t\r\n"))
        self._descriptions = [element for element in root.walk() if element.name == _RDF + "Description"]
        if not self._descriptions:
            raise ExtractError("a packet without a description")
        self.bytes = len(data)

    def values(self, prefix: str, name: str) -> list[str]:
        """Every value of a property: the items of an array, or the one text, written as element or attribute."""
        full = _NAMESPACES[prefix] + name
        found: list[str] = []
        for description in self._descriptions:
            if full in description.attributes:
                found.append(description.attributes[full])
            for child in description.children:
                if child.name == full:
                    items = [item.text for item in child.walk() if item.name == _RDF + "li"]
                    found += items or [child.text]
        return [text(value.strip()) for value in found if value.strip()]

    def value(self, prefix: str, name: str) -> str | None:
        """The first value of a property."""
        return next(iter(self.values(prefix, name)), None)

    def time(self, prefix: str, name: str) -> str | None:
        """A property that is a time."""
        return iso_time(self.value(prefix, name))

    def history(self) -> list[dict[str, object]]:
        """The steps of xmpMM:History, oldest first: what was done, when, with which program."""
        steps = []
        for description in self._descriptions:
            for child in description.children:
                if child.name == _NAMESPACES["mm"] + "History":
                    steps += [_step(item) for item in child.walk() if item.name == _RDF + "li"]
        return steps

    def derived_from(self) -> str | None:
        """The document that this one was made from, by its identifier."""
        for description in self._descriptions:
            for child in description.children:
                if child.name == _NAMESPACES["mm"] + "DerivedFrom":
                    return next(
                        (text(value) for e in child.walk() if (value := _member(e, "reference", "documentID"))), None
                    )
        return None

    def summary(self) -> dict[str, object]:
        """What `extracted.xmp` holds."""
        return {
            "bytes": self.bytes,
            "created_at": self.time("xmp", "CreateDate"),
            "modified_at": self.time("xmp", "ModifyDate"),
            "metadata_at": self.time("xmp", "MetadataDate"),
            "creator_tool": self.value("xmp", "CreatorTool"),
            "creators": self.values("dc", "creator"),
            "title": self.value("dc", "title"),
            "document_id": self.value("mm", "DocumentID"),
            "instance_id": self.value("mm", "InstanceID"),
            "original_document_id": self.value("mm", "OriginalDocumentID"),
            "derived_from": self.derived_from(),
            "version": self.value("mm", "VersionID"),
            "digital_source_type": self.value("iptc", "DigitalSourceType"),
            "history": listing(self.history()),
        }


def _step(item: Element) -> dict[str, object]:
    step: dict[str, object] = {}
    for name in _HISTORY_MEMBERS:
        value = next((value for element in item.walk() if (value := _member(element, "event", name))), None)
        step[name.lower()] = iso_time(value) or value if name == "when" else value
    return step


def _member(element: Element, prefix: str, name: str) -> str | None:
    """A structure's member, written as an attribute or as an element."""
    full = _NAMESPACES[prefix] + name
    value = element.attributes.get(full) or (element.text.strip() if element.name == full else None)
    return value or None
