"""The bodies, as JSON Schema (2020-12): cases, evidence, receipts. Casework's stand in `casework_schemas`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.openapi.casework_schemas import CASEWORK_SCHEMAS
from api.openapi.shapes import (
    COUNT,
    HEX_32,
    HEX_64,
    HEX_128,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    VALUES,
    list_of,
    object_of,
    page_of,
    reference,
)
from ledger.casework.people import CASE_ROLES
from ledger.submit.relations import RELATIONS

_NUMBERS: Final = {"type": "array", "items": NUMBER}

_STATEMENT: Final = object_of(
    {
        "metadata": {**VALUES, "description": "Becomes declared.*: what the party says about the evidence."},
        "requisites": {**VALUES, "description": "Becomes requisite.*: the particulars of a printout or capture."},
        "policy": {
            "type": "object",
            "additionalProperties": {"enum": ["open", "on-demand", "sealed"]},
            "description": "Who sees which field: a name, or a prefix that ends in .*",
        },
        "relations": {
            **object_of(dict.fromkeys(RELATIONS, _NUMBERS), *RELATIONS),
            "description": "Links to evidence of the same case; answers: to a demand.",
        },
        "name": {**TEXT, "description": "The file's name: never a path."},
        "size": {**COUNT, "description": "In bytes."},
        "sha256": HEX_64,
        "sha512": HEX_128,
    },
    "metadata", "requisites", "policy", "relations", "name", "size", "sha256", "sha512",
    meaning="What a party says. Without a file name, size, sha256 and sha512 are required; with one they must match.",
)  # fmt: skip

_ENTRY: Final = {
    "number": NUMBER,
    "index": {**COUNT, "description": "In the log, from 0."},
    "seq": {**COUNT, "description": "In the case's chain, from 0."},
    "kind": TEXT,
    "time": {**TIME, "description": "The operator's clock: claimed, not proven."},
    "leaf_hash": HEX_64,
    "names": {**TEXTS, "description": "All of the entry's fields."},
    "opened": {**VALUES, "description": "Those that this viewer may see, with their values."},
    "closed": {**TEXTS, "description": "The others."},
    "erased": {**TEXTS, "description": "Of these, the ones whose openings were erased on an order."},
}

_MEMBER: Final = {
    "user": {**TEXT, "description": "The account's name."},
    "role": {"enum": list(CASE_ROLES)},
}

SCHEMAS: Final[Mapping[str, Any]] = {
    "Problem": {
        **object_of(
            {
                "type": TEXT,
                "title": TEXT,
                "status": {"type": "integer"},
                "detail": TEXT,
                "where": {**TEXT_OR_NULL, "description": "The place in the request, where it is known."},
                "limit": {"type": "integer", "description": "413: the largest amount allowed."},
                "got": {"type": "integer", "description": "413: what came, or more."},
                "number": {**NUMBER, "description": "410: the entry whose openings were erased."},
                "missing": {**TEXTS, "description": "503 of /readyz: what is wrong, in words."},
            },
            "limit",
            "got",
            "number",
            "missing",
            meaning="RFC 9457. Every 4xx and 5xx has this form.",
        )
    },
    "NewCase": object_of({"title": {"type": "string", "minLength": 1}}),
    "NewMember": object_of(_MEMBER),
    "Member": object_of({**_MEMBER, "side": {**TEXT, "description": "party, opposing, third:<account>, or empty."}}),
    "Case": object_of(
        {
            "case": HEX_32,
            "title": TEXT,
            "opener": TEXT,
            "index": COUNT,
            "length": {**COUNT, "description": "Entries of its chain."},
            "members": list_of("Member"),
        }
    ),
    "CasePage": page_of("Case"),
    "Entry": object_of(_ENTRY),
    "EntryPage": page_of("Entry"),
    "Statement": _STATEMENT,
    "Anchored": object_of(
        {
            "number": NUMBER,
            "case": HEX_32,
            "index": COUNT,
            "time": TIME,
            "access": {**TEXT, "description": "The code with which the other side asks to be let in."},
            "receipt": reference("Receipt"),
            "missing": {**list_of("Missing"), "description": "What courts ask of such evidence and it does not say."},
            "questions": {**TEXTS, "description": "What does not fit together: to be asked, not a finding."},
        }
    ),
    "Missing": object_of({"name": TEXT, "reason": TEXT}),
    "Receipt": {
        "type": "object",
        "description": "docs/spec/bundle.md. Its bytes are its canonical JSON (RFC 8785): serialise it so to get them.",
        "properties": {
            "v": {"const": 1},
            "number": NUMBER,
            "leaf": TEXT,
            "proof": TEXT,
            "hashes": {"type": "array", "items": HEX_64},
            "opened": TEXTS,
            "timestamps": {"type": "array", "items": {"type": "object"}},
            "entries": {"type": "array", "items": {"type": "object"}},
            "certs": TEXTS,
            "secret": {**TEXT, "description": "The submitter's receipt only: it opens every field."},
            "retired": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["v", "number", "leaf", "proof", "hashes", "opened", "timestamps", "entries", "certs"],
        "additionalProperties": False,
    },
    "Evidence": object_of(
        {
            **_ENTRY,
            "case": HEX_32,
            "leaf": {**TEXT, "description": "The leaf's exact bytes."},
            "openings": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "By name, the exact bytes of what is opened, @names too.",
            },
            "published": {"type": "boolean", "description": "Whether the served checkpoint contains it."},
            "has_file": {"type": "boolean", "description": "Whether this viewer can fetch the file."},
            "standing": {**TEXT, "description": "Not challenged, admitted on …, or challenged on …, in words."},
            "challenges": list_of("Challenge"),
            "links": list_of("Link"),
            "copies": {**TEXTS, "description": "Whether linked evidence, and copies in the case, have the same bytes."},
            "sender": {**TEXT_OR_NULL, "description": "What declared channels say of a message's sender."},
        }
    ),
    "Link": object_of(
        {
            "relation": TEXT,
            "number": NUMBER,
            "mine": {"type": "boolean", "description": "Whether this entry makes the link, or the other."},
        }
    ),
    "Lookup": object_of({"sha256": HEX_64}),
    "LookupHit": object_of({"number": NUMBER, "case": HEX_32, "index": COUNT, "name": TEXT_OR_NULL, "time": TIME}),
    "LookupHits": object_of({"items": list_of("LookupHit")}),
    "Alive": object_of({"status": {"const": "alive"}}),
    "Ready": object_of({"status": {"const": "ready"}}),
    **CASEWORK_SCHEMAS,
}
