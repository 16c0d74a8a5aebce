"""Links from one piece of evidence to others of its case, named by receipt number in the statement's `relations`.

    {"relations": {"supersedes": ["EL-0000000123-20"]}}

They are committed as `relation.supersedes`: a list of `{"leaf": its leaf hash, "number": its receipt number}`, so that
a link holds whatever becomes of the log that gave the number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from ledger.entry.canonical_json import Value

RELATIONS: Final = ("answers", "contradicts", "corroborates", "derived_from", "series", "supersedes")
"""`answers` names a demand, the others name evidence."""

RELATED_MAX: Final = 100
"""Links of one kind that one entry makes: a series of a hundred captures fits."""

Resolver: TypeAlias = Callable[[str, str, str], str]
"""From a relation, a receipt number and the place in the statement: the leaf hash, in hex, of an entry of the same
case that the submitter may see. Raises UnacceptableError.
"""


def relation_field(relation: str) -> str:
    """The field that a relation is committed as."""
    return f"relation.{relation}"


def link_fields(relations: Mapping[str, Sequence[str]], resolve: Resolver, where: str) -> dict[str, Value]:
    """The fields `relation.*` of a statement's `relations`."""
    found: dict[str, Value] = {}
    for relation, numbers in relations.items():
        place = f"{where}.relations.{relation}"
        found[relation_field(relation)] = [
            {"leaf": resolve(relation, number, place), "number": number} for number in sorted(set(numbers))
        ]
    return found
