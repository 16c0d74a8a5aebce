"""Who may do what to a demand, a challenge or a request for standing, in which state, and what becomes of it.

These tables are the rules: the decisions ask them, `docs/casework.md` shows them, and a test runs every combination.
What a table does not list is refused: an act by somebody else with 403, an act in another state with 409.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.errors import ConflictError, ForbiddenError

SUBMITTER: Final = "submitter"
"""Who submitted the evidence, and the others of that side."""

SIDE: Final = "side"
"""Any other side of the case."""

COURT: Final = "court"

OFFICE: Final = "office"
"""A clerk, a notary, an expert: members on no side."""

LEDGER: Final = "ledger"
"""The ledger itself: a term passed."""

STRANGER: Final = "stranger"
"""Everybody else: to them nothing exists (404)."""

ROLES: Final = (SUBMITTER, SIDE, COURT, OFFICE, LEDGER)
MEMBERS: Final = (SUBMITTER, SIDE, COURT, OFFICE)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an act, and for each state in which it may be done the state that follows."""

    roles: tuple[str, ...]
    moves: Mapping[str, str]


Table = Mapping[str, Rule]

DEMAND_STATES: Final = (
    "asked", "disclosed", "partly", "not_held", "produced_later", "refused", "lapsed", "ordered", "upheld",
)  # fmt: skip
DEMAND_FINAL: Final = ("disclosed", "ordered", "upheld")
_ANSWERABLE: Final = ("asked", "partly", "not_held", "produced_later", "refused", "lapsed")


def _to(state: str, *sources: str) -> dict[str, str]:
    return dict.fromkeys(sources, state)


DEMAND: Final[Table] = {
    "disclosed": Rule((SUBMITTER,), _to("disclosed", *_ANSWERABLE)),
    "partly": Rule((SUBMITTER,), _to("partly", *_ANSWERABLE)),
    "not_held": Rule((SUBMITTER,), _to("not_held", "asked", "produced_later", "refused", "lapsed")),
    "produced_later": Rule((SUBMITTER,), _to("produced_later", "asked", "partly", "not_held", "refused", "lapsed")),
    "refuse": Rule((SUBMITTER,), _to("refused", "asked", "partly", "lapsed")),
    "order disclosure": Rule((COURT,), _to("ordered", *_ANSWERABLE)),
    "uphold refusal": Rule((COURT,), _to("upheld", *_ANSWERABLE)),
    "lapse": Rule((LEDGER,), _to("lapsed", "asked")),
}
"""What is disclosed, ordered or upheld is final; until then a side may still disclose, and the court may rule."""

CHALLENGE_STATES: Final = ("open", "answered", "upheld", "dismissed")

CHALLENGE: Final[Table] = {
    "answer": Rule((SUBMITTER,), _to("answered", "open")),
    "uphold": Rule((COURT,), _to("upheld", "open", "answered")),
    "dismiss": Rule((COURT,), _to("dismissed", "open", "answered")),
}

STANDING_STATES: Final = ("asked", "admitted", "refused")

STANDING: Final[Table] = {
    "admit": Rule((SUBMITTER, COURT), _to("admitted", "asked")),
    "refuse": Rule((SUBMITTER, COURT), _to("refused", "asked")),
    # The right to be heard must not hang on the other side's goodwill.
    "admit after refusal": Rule((COURT,), _to("admitted", "refused")),
}

PERMITTED: Final[Mapping[str, tuple[str, ...]]] = {
    "see the entry, its leaf and names": MEMBERS,
    "see fields that the policy leaves open": MEMBERS,
    "see on-demand and sealed fields, undisclosed": (SUBMITTER,),
    "have the file, undisclosed": (SUBMITTER, COURT),
    "have the receipt": (SUBMITTER, COURT),
    "have the bundle": MEMBERS,
    "demand": (SIDE, COURT),
    "see demands, challenges and requests for standing": MEMBERS,
    "challenge": (SIDE,),
    "admit": (SIDE,),
    "reveal fields to all members": (SUBMITTER,),
    "record a transfer of custody": MEMBERS,
    "renew the access code": (SUBMITTER, COURT),
    "erase": (COURT,),
}
"""Acts on a piece of evidence that start something. Receipt, access code: of the submitter's side the submitter
himself. Erasure: also an account of role operator, on a court's written order.
"""


def permit(act: str, role: str) -> None:
    """Raises ForbiddenError unless this role may do this act on evidence."""
    if role not in PERMITTED[act]:
        raise ForbiddenError(f"{act}: only {_listed(PERMITTED[act])} may")


def move(table: Table, act: str, state: str, role: str) -> str:
    """The state that follows. Raises ForbiddenError for another role, ConflictError (naming the state) in another
    state.
    """
    rule = table[act]
    if role not in rule.roles:
        raise ForbiddenError(f"{act}: only {_listed(rule.roles)} may")
    if state not in rule.moves:
        raise ConflictError(f"{act}: its state is {state} now", "state")
    return rule.moves[state]


_NAMED: Final = {
    SUBMITTER: "the submitter's side",
    SIDE: "another side than the submitter's",
    COURT: "the case's court",
    OFFICE: "a member on no side",
    LEDGER: "the ledger",
}


def _listed(roles: tuple[str, ...]) -> str:
    return " and ".join(_NAMED[role] for role in roles)
