"""The one way from an entry to the rows for people: at its commit, in a rebuild, and when fsck compares.

A row says only what its entry's fields say. What is not there any more, because it was erased, is empty in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ledger.casework.people import side_of
from ledger.casework.sight import FILE
from ledger.entry.canonical_json import Value
from ledger.entry.kinds import SYSTEM_KINDS
from ledger.entry.leaf import parse_time
from ledger.entry.receipt_number import parse_number
from ledger.errors import CorruptError, LedgerError
from ledger.store.case_rows import (
    ActRow,
    ChallengeRow,
    DemandRow,
    DisclosureRow,
    ErasureRow,
    FileRemoval,
    LinkRow,
    MemberRemoval,
    StandingRow,
    StateChange,
)
from ledger.store.log_rows import CaseRow, EvidenceRow, MemberRow, Projection
from ledger.submit.draft import EVIDENCE_ANCHORED, RECEIVED_FIELD
from ledger.submit.relations import RELATIONS, relation_field

Fields: TypeAlias = Mapping[str, Value]
Rows: TypeAlias = tuple[Projection, ...]

_RELATION_FIELDS: Final = tuple((relation, relation_field(relation)) for relation in RELATIONS)
_SUBJECTS: Final = ("relation.demand", "relation.challenge", "relation.standing")


def project(index: int, chain: str, kind: str, fields: Fields) -> Rows:
    """The rows of an entry with fields. Raises CorruptError for an act whose fields are not what its kind commits."""
    if kind in SYSTEM_KINDS:
        return ()
    try:
        if kind == EVIDENCE_ANCHORED:
            return _evidence(index, chain, fields)
        subject = next((_int(fields, name) for name in _SUBJECTS if name in fields), None)
        entry = _int(fields, "relation.entry") if "relation.entry" in fields else None
        made = _MAKERS.get(kind, _nothing)(index, chain, fields)
    except LedgerError as error:
        raise CorruptError(f"project entry {index}, {kind}: {error.what}", error.where) from error
    return (*made, ActRow(index, chain, kind, entry, subject))


def _evidence(index: int, chain: str, fields: Fields) -> Rows:
    digest, size = fields.get("file.sha256"), fields.get("file.size")
    row = EvidenceRow(
        index,
        chain,
        _text_or(fields, "submitter.name", ""),
        bytes.fromhex(digest) if isinstance(digest, str) else None,
        size if isinstance(size, int) else None,
        fields.get(RECEIVED_FIELD) is True and isinstance(digest, str),
    )
    return (row, *_links(index, fields))


def _links(index: int, fields: Fields) -> Rows:
    found = set()
    for relation, name in _RELATION_FIELDS:
        if name not in fields:
            continue
        listed = fields[name]
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict):
                found.add((relation, parse_number(_text(each, "number"))))
    return tuple(LinkRow(index, relation, target) for relation, target in sorted(found))


def _case_opened(index: int, chain: str, fields: Fields) -> Rows:
    account = _text(fields, "member.name")
    return (CaseRow(chain, _text(fields, "case.title"), account, index), *_member_added(index, chain, fields))


def _member_added(index: int, chain: str, fields: Fields) -> Rows:
    account, role = _text(fields, "member.name"), _text(fields, "member.role")
    return (MemberRow(chain, account, role, side_of(account, role), index),)


def _member_removed(index: int, chain: str, fields: Fields) -> Rows:
    return (MemberRemoval(chain, _text(fields, "member.name"), index),)


def _demanded(index: int, chain: str, fields: Fields) -> Rows:
    entry, account = _int(fields, "relation.entry"), _text(fields, "submitter.name")
    due_at = parse_time(_text(fields, "demand.due_at"))
    return (DemandRow(index, chain, entry, account, _text(fields, "demand.object"), "asked", due_at),)


def _disclosed(index: int, _chain: str, fields: Fields) -> Rows:
    demand = _int(fields, "relation.demand")
    change = StateChange("demands", demand, _text(fields, "answer.kind"), index)
    return (change, *_opened(index, fields, demand, "answer.fields"))


def _refused(index: int, _chain: str, fields: Fields) -> Rows:
    return (StateChange("demands", _int(fields, "relation.demand"), "refused", index),)


def _lapsed(index: int, _chain: str, fields: Fields) -> Rows:
    return (StateChange("demands", _int(fields, "relation.demand"), "lapsed", index),)


def _ruled(index: int, _chain: str, fields: Fields) -> Rows:
    demand = _int(fields, "relation.demand")
    if _text(fields, "ruling.order") != "disclose":
        return (StateChange("demands", demand, "upheld", index),)
    return (StateChange("demands", demand, "ordered", index), *_opened(index, fields, demand, "ruling.fields"))


def _revealed(index: int, _chain: str, fields: Fields) -> Rows:
    return _opened(index, fields, None, "answer.fields")


def _opened(index: int, fields: Fields, demand: int | None, member: str) -> Rows:
    names = _names(fields, member)
    return (DisclosureRow(index, _int(fields, "relation.entry"), demand, names),) if names else ()


def _challenged(index: int, chain: str, fields: Fields) -> Rows:
    return (ChallengeRow(index, chain, _int(fields, "relation.entry"), _text(fields, "submitter.name"), "open"),)


def _admitted(index: int, chain: str, fields: Fields) -> Rows:
    return (ChallengeRow(index, chain, _int(fields, "relation.entry"), _text(fields, "submitter.name"), "admitted"),)


def _challenge_answered(index: int, _chain: str, fields: Fields) -> Rows:
    return (StateChange("challenges", _int(fields, "relation.challenge"), "answered", index),)


def _challenge_ruled(index: int, _chain: str, fields: Fields) -> Rows:
    return (StateChange("challenges", _int(fields, "relation.challenge"), _text(fields, "ruling.order"), index),)


def _standing_asked(index: int, chain: str, fields: Fields) -> Rows:
    entry, account = _int(fields, "relation.entry"), _text(fields, "member.name")
    return (StandingRow(index, chain, entry, account, _text(fields, "member.role"), "asked"),)


def _standing_ruled(index: int, _chain: str, fields: Fields) -> Rows:
    state = "admitted" if _text(fields, "ruling.order") == "admit" else "refused"
    return (StateChange("standings", _int(fields, "relation.standing"), state, index),)


def _erased(index: int, chain: str, fields: Fields) -> Rows:
    entry, names = _int(fields, "relation.entry"), _names(fields, "erasure.fields")
    erasure = ErasureRow(index, chain, entry, names)
    return (erasure, FileRemoval(entry, index)) if FILE in names else (erasure,)


def _nothing(_index: int, _chain: str, _fields: Fields) -> Rows:
    return ()


_MAKERS: Final[Mapping[str, Callable[[int, str, Fields], Rows]]] = {
    "authenticity.admitted": _admitted,
    "authenticity.challenged": _challenged,
    "case.opened": _case_opened,
    "challenge.answered": _challenge_answered,
    "challenge.ruled": _challenge_ruled,
    "demand.lapsed": _lapsed,
    "demand.refused": _refused,
    "demand.ruled": _ruled,
    "evidence.revealed": _revealed,
    "member.added": _member_added,
    "member.removed": _member_removed,
    "metadata.demanded": _demanded,
    "metadata.disclosed": _disclosed,
    "opening.erased": _erased,
    "standing.asked": _standing_asked,
    "standing.ruled": _standing_ruled,
}


def _int(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise CorruptError("expected the index of an entry", name)
    return value


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise CorruptError("expected a text", name)
    return value


def _text_or(fields: Fields, name: str, otherwise: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else otherwise


def _names(fields: Fields, name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise CorruptError("expected a list of names", name)
    return tuple(str(each) for each in value)
