"""The kinds of entries, and which of them are public."""

from __future__ import annotations

from typing import Final

from ledger.errors import MalformedError

SYSTEM_KINDS: Final = frozenset(
    {
        "independence.declared",
        "key.revoked",
        "key.rotated",
        "log.closed",
        "log.opened",
        "map.recorded",
        "policy.published",
        "timestamp.recorded",
    }
)
"""Kinds of the system chain only: their leaves have `public`, never `fields`."""

CASE_KINDS: Final = frozenset(
    {
        "authenticity.admitted",
        "authenticity.challenged",
        "case.opened",
        "challenge.answered",
        "challenge.ruled",
        "channel.declared",
        "custody.transferred",
        "demand.lapsed",
        "demand.refused",
        "demand.ruled",
        "evidence.anchored",
        "evidence.read",
        "evidence.revealed",
        "filing.refused",
        "filing.registered",
        "filing.submitted",
        "member.added",
        "member.removed",
        "metadata.demanded",
        "metadata.disclosed",
        "opening.erased",
        "standing.asked",
        "standing.ruled",
    }
)
"""Kinds of cases: their leaves have `fields`, never `public`, so that the log tells nobody what happened to whom."""


PASSIVE_KINDS: Final = frozenset({"evidence.anchored", "evidence.read"})
"""Kinds of a case that change nothing that its rules decide on: however many arrive, a decision made before them
stands.
"""


def check_kind(kind: str, public: bool) -> None:
    """Refuse a system kind with `fields` and a case's kind with `public` (`public`: whether the leaf has `public`).

    An unknown kind may have either: more kinds will come, and old verifiers must still read them. Raises
    MalformedError.
    """
    if public and kind in CASE_KINDS:
        raise MalformedError(f"read a leaf: expected fields for the kind {kind} of a case, got public")
    if not public and kind in SYSTEM_KINDS:
        raise MalformedError(f"read a leaf: expected public for the kind {kind} of the system chain, got fields")
