"""What a kind of evidence should say of itself, and what a submission does not say: told at once, with the reason.

Nothing is refused for it: what is missing is for the court to weigh. The reasons are those that courts give; a picture
without a source cannot even be examined by an expert.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from ledger.entry.canonical_json import Value

KINDS: Final = (
    "chat", "digitised_paper", "document", "email", "hearing_record", "payment_order", "photo", "recording",
    "screenshot", "social_post", "system_message", "web_page",
)  # fmt: skip
"""What `metadata.kind` may say."""

ORIGINS: Final = ("original", "copy", "export", "digitised", "extract")
"""What `metadata.origin` may say: what the file is, beside the original."""

KIND_FIELD: Final = "declared.kind"
ORIGIN_FIELD: Final = "declared.origin"

# One of these tells where a picture comes from.
_SOURCES: Final = (
    "declared.original_at",
    "extracted.model",
    "extracted.make",
    "relation.corroborates",
    "relation.derived_from",
    "requisite.access_path",
    "requisite.address",
    "requisite.device",
)
_NO_SOURCE: Final = "a picture without source cannot be examined; add the page, message, mailbox or device original"


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that the evidence does not have, and why courts ask for it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Requisite:
    """One line of a kind's file. `also`: fields that say the same."""

    name: str
    reason: str
    also: tuple[str, ...] = ()


@cache
def requisites(kind: str) -> tuple[Requisite, ...]:
    """What courts ask of this kind of evidence. Raises KeyError for a kind that is none."""
    if kind not in KINDS:
        raise KeyError(kind)
    data = (resources.files("ledger.submit.evidence_kinds") / f"{kind}.toml").read_text(encoding="utf-8")
    return tuple(
        Requisite(each["name"], each["reason"], tuple(each.get("also", ())))
        for each in tomllib.loads(data)["requisite"]
    )


def missing(fields: Mapping[str, Value]) -> tuple[Missing, ...]:
    """What is missing in these fields of an anchored entry, by the kind that it was declared as."""
    kind = fields.get(KIND_FIELD)
    found = []
    if isinstance(kind, str) and kind in KINDS:
        for requisite in requisites(kind):
            if not any(_says(fields, name) for name in (requisite.name, *requisite.also)):
                found.append(Missing(requisite.name, requisite.reason))
    media_type = fields.get("file.media_type")
    picture = kind == "screenshot" or (isinstance(media_type, str) and media_type.startswith("image/"))
    if picture and kind != "digitised_paper" and not any(_says(fields, name) for name in _SOURCES):
        found.append(Missing("declared.source", _NO_SOURCE))
    return tuple(found)


def _says(fields: Mapping[str, Value], name: str) -> bool:
    return fields.get(name) not in (None, "", [], {})
