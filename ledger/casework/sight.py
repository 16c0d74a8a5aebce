"""Who sees which opening, and who the file, before anything is disclosed or ordered (docs/spec/commitment.md)."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.casework.people import side_of
from ledger.entry.canonical_json import Value
from ledger.store.contracts import MemberRow
from ledger.submit.draft import EVIDENCE_ANCHORED, POLICY_FIELD
from ledger.submit.policy import Visibility, visibility


def is_own_side(viewer: MemberRow, submitter: MemberRow | None) -> bool:
    """Whether the viewer submitted it, or stands on the submitter's side."""
    if submitter is None:
        return False
    if viewer.account == submitter.account:
        return True
    return bool(viewer.side) and viewer.side == submitter.side


def open_names(
    kind: str, fields: Mapping[str, Value], viewer: MemberRow, submitter: MemberRow | None
) -> frozenset[str]:
    """The names of the fields that this member sees open.

    A side sees all of its own entries. The acts of a case other than evidence are open to its members: they are what
    the case is made of. Of evidence, others see what the submitter's policy, or the default, opens.
    """
    if kind != EVIDENCE_ANCHORED or is_own_side(viewer, submitter):
        return frozenset(fields)
    policy = _policy(fields)
    return frozenset(name for name in fields if visibility(name, policy) == "open")


def may_see_file(viewer: MemberRow, submitter: MemberRow | None) -> bool:
    """The file's bytes: the submitter's side and the court."""
    return viewer.role == "court" or is_own_side(viewer, submitter)


def submitter_of(account: str, members: Mapping[str, MemberRow], chain: str) -> MemberRow:
    """The submitter's membership; one who is no longer a member stands on no side but his own."""
    return members.get(account) or MemberRow(chain, account, "", side_of(account, ""), 0)


def _policy(fields: Mapping[str, Value]) -> dict[str, Visibility]:
    """The committed policy. What is not there as it was checked at submission opens nothing."""
    stored = fields.get(POLICY_FIELD)
    found: dict[str, Visibility] = {}
    for key, value in (stored if isinstance(stored, dict) else {}).items():
        if value == "open":
            found[key] = "open"
        else:
            found[key] = "sealed" if value == "sealed" else "on-demand"
    return found
