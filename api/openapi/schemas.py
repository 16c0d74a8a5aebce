"""The bodies, as JSON Schema (2020-12). Every object lists all of its members; none has others, unless it says so."""

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
_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_VALUES: Final = {"type": "object", "additionalProperties": True}


def _object(properties: Mapping[str, Any], *optional: str, meaning: str = "") -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {**described, "description": meaning} if meaning else described


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(item: str) -> dict[str, Any]:
    return _object(
        {"items": {"type": "array", "items": _reference(item)}, "next": {"type": ["string", "null"]}},
        meaning="One page. `next` is the cursor of the page after, null at the end.",
    )


_STATEMENT: Final = _object(
    {
        "metadata": {**_VALUES, "description": "Becomes declared.*: what the party says about the evidence."},
        "requisites": {**_VALUES, "description": "Becomes requisite.*: the particulars of a printout or capture."},
        "policy": {
            "type": "object",
            "additionalProperties": {"enum": ["open", "on-demand", "sealed"]},
            "description": "Who sees which field: a name, or a prefix that ends in .*",
        },
        "name": {**_TEXT, "description": "The file's name: never a path."},
        "size": {**COUNT, "description": "In bytes."},
        "sha256": HEX_64,
        "sha512": HEX_128,
    },
    "metadata", "requisites", "policy", "name", "size", "sha256", "sha512",
    meaning="What a party says. Without a file name, size, sha256 and sha512 are required; with one they must match.",
)  # fmt: skip

_ENTRY: Final = {
    "number": NUMBER,
    "index": {**COUNT, "description": "In the log, from 0."},
    "seq": {**COUNT, "description": "In the case's chain, from 0."},
    "kind": _TEXT,
    "time": {**TIME, "description": "The operator's clock: claimed, not proven."},
    "leaf_hash": HEX_64,
    "names": {**_TEXTS, "description": "All of the entry's fields."},
    "opened": {**_VALUES, "description": "Those that this viewer may see, with their values."},
    "closed": {**_TEXTS, "description": "The others."},
}

_MEMBER: Final = {
    "user": {**_TEXT, "description": "The account's name."},
    "role": {"enum": ["party", "opposing", "third", "court", "clerk", "notary", "expert"]},
}

SCHEMAS: Final[Mapping[str, Any]] = {
    "Problem": {
        **_object(
            {
                "type": _TEXT,
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
                "where": {"type": ["string", "null"], "description": "The place in the request, where it is known."},
                "limit": {"type": "integer", "description": "413: the largest amount allowed."},
                "got": {"type": "integer", "description": "413: what came, or more."},
                "number": {**NUMBER, "description": "410: the entry whose openings were erased."},
                "missing": {**_TEXTS, "description": "503 of /readyz: what is wrong, in words."},
            },
            "limit",
            "got",
            "number",
            "missing",
            meaning="RFC 9457. Every 4xx and 5xx has this form.",
        )
    },
    "NewCase": _object({"title": {"type": "string", "minLength": 1}}),
    "NewMember": _object(_MEMBER),
    "Member": _object({**_MEMBER, "side": {**_TEXT, "description": "party, opposing, third:<account>, or empty."}}),
    "Case": _object(
        {
            "case": HEX_32,
            "title": _TEXT,
            "opener": _TEXT,
            "index": COUNT,
            "length": {**COUNT, "description": "Entries of its chain."},
            "members": {"type": "array", "items": _reference("Member")},
        }
    ),
    "CasePage": _page("Case"),
    "Entry": _object(_ENTRY),
    "EntryPage": _page("Entry"),
    "Statement": _STATEMENT,
    "Anchored": _object(
        {
            "number": NUMBER,
            "case": HEX_32,
            "index": COUNT,
            "time": TIME,
            "access": {**_TEXT, "description": "The code with which the other side asks to be let in."},
            "receipt": _reference("Receipt"),
        }
    ),
    "Receipt": {
        "type": "object",
        "description": "docs/spec/bundle.md. Its bytes are its canonical JSON (RFC 8785): serialise it so to get them.",
        "properties": {
            "v": {"const": 1},
            "number": NUMBER,
            "leaf": _TEXT,
            "proof": _TEXT,
            "hashes": {"type": "array", "items": HEX_64},
            "opened": _TEXTS,
            "timestamps": {"type": "array", "items": {"type": "object"}},
            "entries": {"type": "array", "items": {"type": "object"}},
            "certs": _TEXTS,
            "secret": {**_TEXT, "description": "The submitter's receipt only: it opens every field."},
            "retired": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["v", "number", "leaf", "proof", "hashes", "opened", "timestamps", "entries", "certs"],
        "additionalProperties": False,
    },
    "Evidence": _object(
        {
            **_ENTRY,
            "case": HEX_32,
            "leaf": {**_TEXT, "description": "The leaf's exact bytes."},
            "openings": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "By name, the exact bytes of what is opened, @names too.",
            },
            "published": {"type": "boolean", "description": "Whether the served checkpoint contains it."},
            "has_file": {"type": "boolean", "description": "Whether this viewer can fetch the file."},
        }
    ),
    "Lookup": _object({"sha256": HEX_64}),
    "LookupHit": _object(
        {"number": NUMBER, "case": HEX_32, "index": COUNT, "name": {"type": ["string", "null"]}, "time": TIME}
    ),
    "LookupHits": _object({"items": {"type": "array", "items": _reference("LookupHit")}}),
    "Alive": _object({"status": {"const": "alive"}}),
    "Ready": _object({"status": {"const": "ready"}}),
}
