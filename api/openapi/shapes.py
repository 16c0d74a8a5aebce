"""The parts that schemas are made of. Every object lists all of its members; none has others, unless it says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HEX_32: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
HEX_64: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
HEX_128: Final = {"type": "string", "pattern": "^[0-9a-f]{128}$"}
NUMBER: Final = {"type": "string", "pattern": "^EL-[0-9]{10}-[0-9]{2}$"}
COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
BINARY: Final = {"type": "string", "format": "binary"}
TEXT: Final = {"type": "string"}
TEXT_OR_NULL: Final = {"type": ["string", "null"]}
TEXTS: Final = {"type": "array", "items": TEXT}
VALUES: Final = {"type": "object", "additionalProperties": True}


def object_of(properties: Mapping[str, Any], *optional: str, meaning: str = "") -> dict[str, Any]:
    """An object of exactly these members; those in `optional` may be left out."""
    described: dict[str, Any] = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {**described, "description": meaning} if meaning else described


def reference(name: str) -> dict[str, Any]:
    """A schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: str) -> dict[str, Any]:
    """A list of values of the schema of this name."""
    return {"type": "array", "items": reference(item)}


def page_of(item: str) -> dict[str, Any]:
    """One page of a list."""
    return object_of(
        {"items": list_of(item), "next": TEXT_OR_NULL},
        meaning="One page. `next` is the cursor of the page after, null at the end.",
    )
