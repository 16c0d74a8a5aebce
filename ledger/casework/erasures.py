"""What an order to erase takes away: a pure decision. Carrying it out is ledger.upkeep.erase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ledger.casework.people import Actor
from ledger.casework.sight import FILE
from ledger.casework.state import EvidenceState
from ledger.casework.texts import check_text
from ledger.casework.transitions import permit
from ledger.entry.canonical_json import Value
from ledger.errors import ConflictError
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError, place_of

OPERATOR: Final = "operator"

# What the held file says again of itself: while the bytes are here, erasing one of these erases nothing.
_TOLD_BY_THE_FILE: Final = frozenset({"file.sha256", "file.sha512", "file.size", "file.media_type"})


def decide_erasure(state: EvidenceState, actor: Actor, names: Sequence[str] | Literal["all"], order: str) -> list[Act]:
    """`opening.erased`, by the case's court, or by an account of role operator on the court's order, named in `order`.

    With a digest, the size or the type goes the file's bytes, which would tell them again.
    """
    if actor.role != OPERATOR:
        permit("erase", state.role_of(actor))
    check_text(order, "erase", "order")
    fields: dict[str, Value] = {
        "erasure.fields": list(_erased(state, names)),
        "erasure.order": order,
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "opening.erased", fields, state.case.acts)]


def _erased(state: EvidenceState, names: Sequence[str] | Literal["all"]) -> tuple[str, ...]:
    there = {*state.names, *([FILE] if state.row.stored else [])} - state.erased
    if names == "all":
        wanted = there
    else:
        if isinstance(names, str) or not names:
            raise UnacceptableError("erase: expected at least one field, or all", "fields")
        wanted = set(names)
        for name in sorted(wanted):
            if name not in there and name not in state.erased:
                raise UnacceptableError("erase: it was never committed, or is not here", place_of("fields", str(name)))
        wanted = wanted & there
    if not wanted:
        raise ConflictError("erase: all of it has been erased already", "fields")
    if wanted & _TOLD_BY_THE_FILE and FILE in there:
        wanted = wanted | {FILE}
    return tuple(sorted(wanted))
