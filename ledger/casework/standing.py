"""Asking to be let into a case with the access code of a piece of evidence: pure decisions.

The code opens nothing: it gives the right to ask, and to be answered on the record. A court's account that has it
becomes the case's court, if the case has none: so the right to be heard does not hang on the submitter's goodwill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.casework.cases import check_newcomer, member_added
from ledger.casework.people import Actor, side_of
from ledger.casework.state import EvidenceState, StandingState
from ledger.casework.texts import check_text
from ledger.casework.transitions import COURT, STANDING, SUBMITTER, move
from ledger.entry.canonical_json import Value
from ledger.errors import ConflictError, ForbiddenError, NotFoundError
from ledger.store.case_rows import StandingRow
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError

ROLES: Final = ("opposing", "third")
ORDERS: Final = ("admit", "refuse")

COURT_ROLE: Final = "court"


def decide_ask(state: EvidenceState, actor: Actor, role: str, asked: Sequence[StandingRow]) -> list[Act]:
    """`standing.asked`, or for a court's account `member.added`. The code was checked before. `asked`: what this
    account asked in this case before.
    """
    case = state.case
    if actor.role == COURT_ROLE:
        if case.has_court():
            raise ConflictError("ask for standing: the case has a court, so only that court admits another")
        check_newcomer(case, actor.name, COURT_ROLE)
        return [member_added(case, actor, actor.name, COURT_ROLE)]
    if role not in ROLES:
        raise UnacceptableError(f"ask for standing: expected a role among {', '.join(ROLES)}", "role")
    if side_of(actor.name, role) == state.submitter.side:
        raise UnacceptableError(f"ask for standing: the submitter is on the side {role}; ask as another", "role")
    check_newcomer(case, actor.name, role)
    if any(each.state == "asked" for each in asked):
        raise ConflictError("ask for standing: you have asked already, and are not answered yet")
    fields: dict[str, Value] = {
        "member.name": actor.name,
        "member.role": role,
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(case.case.chain, "standing.asked", fields, case.acts)]


def decide_standing(state: StandingState, actor: Actor, order: str, reason: str) -> list[Act]:
    """`standing.ruled`, and `member.added` with it where the request is granted.

    By the case's court, or by who submitted the evidence. The court may still admit whom the submitter refused.
    """
    role = state.evidence.role_of(actor)
    if order not in ORDERS:
        raise UnacceptableError(f"rule on standing: expected an order among {', '.join(ORDERS)}", "order")
    late = order == "admit" and state.row.state == "refused" and role == COURT
    move(STANDING, "admit after refusal" if late else order, state.row.state, role)
    if role == SUBMITTER and actor.name != state.evidence.row.account:
        raise ForbiddenError("rule on standing: only who submitted the evidence, and the case's court, may")
    check_text(reason, "rule on standing", "reason")
    fields: dict[str, Value] = {
        "relation.entry": state.row.entry,
        "relation.standing": state.row.index,
        "ruling.order": order,
        "ruling.reason": reason,
        "submitter.name": actor.name,
    }
    case = state.evidence.case
    ruled = Act(case.case.chain, "standing.ruled", fields, case.acts)
    if order == "refuse":
        return [ruled]
    check_newcomer(case, state.row.account, state.row.role)
    return [ruled, member_added(case, actor, state.row.account, state.row.role, after=1)]


def no_such_code() -> NotFoundError:
    """One answer to a wrong code, an unknown number, an expired code and an erased entry: nothing is told apart."""
    return NotFoundError("ask for standing: no evidence has this number and code")
