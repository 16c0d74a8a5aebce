"""Links from one piece of evidence to others of its case, named by receipt number in the statement's `relations`.

    {"relations": {"supersedes": ["EL-0000000123-20"]}}

They are committed as `relation.supersedes`: a list of `{"leaf": its leaf hash, "number": its receipt number}`, so that
a link holds whatever becomes of the log that gave the number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from ledger.entry.canonical_json import Value
from ledger.entry.receipt_number import parse_number
from ledger.errors import LedgerError
from ledger.submit.errors import UnacceptableError, place_of

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


def check_relations(relations: Mapping[str, Value], *, where: str) -> dict[str, tuple[str, ...]]:
    """The links of a statement, each number well formed and named once. Raises UnacceptableError."""
    checked: dict[str, tuple[str, ...]] = {}
    for relation, numbers in relations.items():
        place = place_of(where, relation)
        if relation not in RELATIONS:
            raise UnacceptableError(f"linking evidence: expected a relation among {', '.join(RELATIONS)}", place)
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= RELATED_MAX:
            raise UnacceptableError(f"linking evidence: expected a list of 1 to {RELATED_MAX} receipt numbers", place)
        for number in numbers:
            try:
                parse_number(number if isinstance(number, str) else "")
            except LedgerError as error:
                raise UnacceptableError(f"linking evidence: {error.what}", place) from error
        checked[relation] = tuple(sorted({str(number) for number in numbers}))
    return checked


def link_fields(relations: Mapping[str, Sequence[str]], resolve: Resolver, *, where: str) -> dict[str, Value]:
    """The fields `relation.*` of a statement's `relations`."""
    found: dict[str, Value] = {}
    for relation, numbers in relations.items():
        place = f"{where}.relations.{relation}"
        found[relation_field(relation)] = [
            {"leaf": resolve(relation, number, place), "number": number} for number in numbers
        ]
    return found
