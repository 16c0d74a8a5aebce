"""Lodge a demand, answer it, refuse it, rule on it: pure decisions (docs/spec/casework.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ledger.casework.people import Actor
from ledger.casework.sight import FILE, committed_policy
from ledger.casework.state import DemandState, EvidenceState
from ledger.casework.texts import check_optional, check_text
from ledger.casework.transitions import DEMAND, LEDGER, move, permit
from ledger.entry.canonical_json import Value
from ledger.entry.commitment import COUNT_MAX
from ledger.entry.leaf import format_time
from ledger.entry.names import check_name
from ledger.errors import ConflictError, ForbiddenError, LedgerError
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError, place_of
from ledger.submit.policy import visibility

OBJECTS: Final = ("fields", "file", "original", "inspection")
ANSWERS: Final = ("disclosed", "partly", "not_held", "produced_later")
ORDERS: Final = ("disclose", "uphold-refusal")

DEMANDED_NAMES: Final = COUNT_MAX - 1
"""Names and prefixes in one demand: as many as an entry can have fields."""

DEMANDS_OPEN: Final = 100
"""Demands of one account on one piece of evidence that wait for an answer: a script gone wild is stopped here."""

LEDGER_NAME: Final = "@ledger"
"""Who acts where nobody does: a term passed. No account can be called so."""

_DAY_MS: Final = 24 * 3_600 * 1_000


@dataclass(frozen=True, slots=True)
class Demanding:
    """What is demanded, checked. `names`: ascending, or None for all; empty for an object other than fields."""

    object: str
    names: tuple[str, ...] | None
    grounds: str


def check_demand(fields: Sequence[str] | Literal["all"], object_: str, grounds: str) -> Demanding:
    """Raises UnacceptableError for what cannot be demanded. Names that were never committed can be: that is the
    answer.
    """
    act = "demand"
    if object_ not in OBJECTS:
        raise UnacceptableError(f"{act}: expected an object among {', '.join(OBJECTS)}", "object")
    check_text(grounds, act, "grounds")
    if object_ != "fields":
        if fields != "all" and len(fields) > 0:
            raise UnacceptableError(f"{act}: expected no names, for the object is {object_}", "fields")
        return Demanding(object_, (), grounds)
    if isinstance(fields, str):
        if fields != "all":
            raise UnacceptableError(f"{act}: expected a list of names, or all", "fields")
        return Demanding(object_, None, grounds)
    if not 1 <= len(fields) <= DEMANDED_NAMES:
        raise UnacceptableError(f"{act}: expected 1 to {DEMANDED_NAMES} names, got {len(fields)}", "fields")
    return Demanding(object_, tuple(sorted({_demandable(name) for name in fields})), grounds)


def _demandable(name: str) -> str:
    try:
        check_name(name.removesuffix(".*"))
    except LedgerError as error:
        raise UnacceptableError(f"demand: {error.what}", place_of("fields", name)) from error
    return name


def decide_demand(state: EvidenceState, actor: Actor, demanding: Demanding, now_ms: int, days: int) -> list[Act]:
    """`metadata.demanded`, by any side but the submitter's, and the court."""
    permit("demand", state.role_of(actor))
    if not state.row.account:
        raise ConflictError("demand: who submitted it was erased on an order, nobody could answer")
    waiting = sum(each.account == actor.name and each.state == "asked" for each in state.demands)
    if waiting >= DEMANDS_OPEN:
        raise ConflictError(f"demand: {waiting} of yours on this evidence wait for an answer already")
    fields: dict[str, Value] = {
        "demand.due_at": format_time(now_ms + days * _DAY_MS),
        "demand.due_basis": f"this ledger's configuration, {days} days; no term is set by the sources",
        "demand.fields": "all" if demanding.names is None else list(demanding.names),
        "demand.grounds": demanding.grounds,
        "demand.object": demanding.object,
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "metadata.demanded", fields, state.case.acts)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the submitter's side answers. `fields`: None for all that was demanded and may be disclosed; `produced`: the
    index of the entry that was produced later.
    """

    kind: str = "disclosed"
    fields: tuple[str, ...] | None = None
    text: str | None = None
    produced: int | None = None


def decide_disclosure(state: DemandState, actor: Actor, answer: Answer) -> list[Act]:
    """`metadata.disclosed`, by the submitter's side. What stays closed of a disclosure makes it a partial one."""
    role = state.evidence.role_of(actor)
    if answer.kind not in ANSWERS:
        raise UnacceptableError(f"disclose: expected an answer among {', '.join(ANSWERS)}", "answer")
    move(DEMAND, answer.kind, state.row.state, role)
    check_optional(answer.text, "disclose", "text")
    opened, kind = _opened(state, answer)
    move(DEMAND, kind, state.row.state, role)
    fields: dict[str, Value] = {
        **_about(state, actor),
        "answer.fields": list(opened),
        "answer.kind": kind,
        "answer.text": answer.text,
        "relation.produced": answer.produced,
    }
    return [Act(state.row.chain, "metadata.disclosed", fields, state.evidence.case.acts)]


def _opened(state: DemandState, answer: Answer) -> tuple[tuple[str, ...], str]:
    """The names that are opened, and the kind of the answer that this makes."""
    if answer.kind in ("not_held", "produced_later"):
        if answer.fields:
            raise UnacceptableError(f"disclose: expected no fields, for the answer is {answer.kind}", "fields")
        return (), answer.kind
    if answer.produced is not None:
        raise UnacceptableError("disclose: expected an entry only where it is produced later", "produced")
    if state.row.object != "fields":
        return _opened_object(state, answer), answer.kind
    opened = _openable(state) if answer.fields is None else _named(state, answer.fields)
    left = set(state.existing()) - set(opened) - state.evidence.erased - state.evidence.open_to(state.lodger)
    return opened, "partly" if left else answer.kind


def _openable(state: DemandState) -> tuple[str, ...]:
    """All that was demanded, exists still, and does not need a ruling."""
    existing = state.existing()
    there = [name for name in existing if name not in state.evidence.erased]
    if existing and not there:
        raise ConflictError("disclose: all of it was erased on an order", "fields")
    opened = tuple(name for name in there if not _sealed(state.evidence, name))
    if there and not opened:
        raise ForbiddenError("disclose: all of it is sealed, which only the court's ruling opens", "fields")
    return opened


def _named(state: DemandState, names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise UnacceptableError("disclose: expected at least one field, or none named for all", "fields")
    _check_names(state, names, "disclose")
    for name in names:
        if _sealed(state.evidence, name):
            raise ForbiddenError("disclose: it is sealed, which only the court's ruling opens", name)
    return tuple(sorted(set(names)))


def _check_names(state: DemandState, names: tuple[str, ...], act: str) -> None:
    """Each of these was demanded, was committed, and was not erased."""
    existing = set(state.existing())
    for name in names:
        if not state.covers(name):
            raise UnacceptableError(f"{act}: it was not demanded", place_of("fields", name))
        if name not in existing:
            raise UnacceptableError(f"{act}: it was never committed", place_of("fields", name))
        if name in state.evidence.erased:
            raise ConflictError(f"{act}: it was erased on an order", name)


def _opened_object(state: DemandState, answer: Answer) -> tuple[str, ...]:
    if answer.fields and not (state.row.object == "file" and answer.fields == (FILE,)):
        raise UnacceptableError(f"disclose: expected no fields, for the {state.row.object} was demanded", "fields")
    if state.row.object == "file":
        if FILE in state.evidence.erased:
            raise ConflictError("disclose: the file was erased on an order", FILE)
        if state.evidence.row.stored:
            return (FILE,)
    if answer.text is None:
        raise UnacceptableError(
            "disclose: expected a text: how it was handed over, or where it can be inspected", "text"
        )
    return ()


def _sealed(evidence: EvidenceState, name: str) -> bool:
    return visibility(name, committed_policy(evidence.fields)) == "sealed"


def decide_refusal(state: DemandState, actor: Actor, reason: str) -> list[Act]:
    """`demand.refused`, by the submitter's side. After a partial disclosure it is the rest that is refused."""
    move(DEMAND, "refuse", state.row.state, state.evidence.role_of(actor))
    check_text(reason, "refuse", "reason")
    fields: dict[str, Value] = {**_about(state, actor), "answer.reason": reason}
    return [Act(state.row.chain, "demand.refused", fields, state.evidence.case.acts)]


def decide_ruling(
    state: DemandState, actor: Actor, order: str, reason: str, names: tuple[str, ...] | None
) -> list[Act]:
    """`demand.ruled`, by the case's court. An order opens exactly the fields that it names, sealed ones too."""
    if order not in ORDERS:
        raise UnacceptableError(f"rule: expected an order among {', '.join(ORDERS)}", "order")
    act = "order disclosure" if order == "disclose" else "uphold refusal"
    move(DEMAND, act, state.row.state, state.evidence.role_of(actor))
    check_text(reason, "rule", "reason")
    if order != "disclose" and names:
        raise UnacceptableError("rule: expected no fields, for nothing is opened", "fields")
    opened = _ordered(state, names) if order == "disclose" else ()
    fields: dict[str, Value] = {
        **_about(state, actor),
        "ruling.fields": list(opened),
        "ruling.order": order,
        "ruling.reason": reason,
    }
    return [Act(state.row.chain, "demand.ruled", fields, state.evidence.case.acts)]


def _ordered(state: DemandState, names: tuple[str, ...] | None) -> tuple[str, ...]:
    evidence = state.evidence
    if state.row.object != "fields":
        if names and names != (FILE,):
            raise UnacceptableError(f"rule: expected no fields, for the {state.row.object} was demanded", "fields")
        if state.row.object != "file" or not (evidence.row.stored or FILE in evidence.erased):
            return ()
        if FILE in evidence.erased:
            raise ConflictError("rule: the file was erased on an order", FILE)
        return (FILE,)
    if names is not None:
        if not names:
            raise UnacceptableError("rule: expected at least one field, or none named for all", "fields")
        _check_names(state, names, "rule")
        return tuple(sorted(set(names)))
    existing = state.existing()
    if not existing:
        raise UnacceptableError("rule: nothing that was demanded was ever committed", "fields")
    opened = tuple(name for name in existing if name not in evidence.erased)
    if not opened:
        raise ConflictError("rule: all of it was erased on an order", "fields")
    return opened


def decide_lapse(state: DemandState, now_ms: int) -> list[Act]:
    """`demand.lapsed`, by the ledger, once: nothing where the demand was answered meanwhile, or its term has not
    passed.
    """
    if state.row.state not in DEMAND["lapse"].moves or state.row.due_at > now_ms:
        return []
    move(DEMAND, "lapse", state.row.state, LEDGER)
    fields: dict[str, Value] = {
        **_about(state, Actor(LEDGER_NAME, LEDGER)),
        "demand.due_at": format_time(state.row.due_at),
    }
    return [Act(state.row.chain, "demand.lapsed", fields, state.evidence.case.acts)]


def _about(state: DemandState, actor: Actor) -> dict[str, Value]:
    return {
        "relation.demand": state.row.index,
        "relation.entry": state.row.entry,
        "submitter.name": actor.name,
    }
