"""Who sees which opening, and who the file: by policy or default, and by what was disclosed, ordered or revealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ledger.entry.canonical_json import Value
from ledger.store.case_rows import DisclosureRow
from ledger.store.log_rows import MemberRow
from ledger.submit.draft import EVIDENCE_ANCHORED, POLICY_FIELD
from ledger.submit.policy import NAMESPACES, Visibility, visibility

NOBODY: Final = MemberRow("", "", "", "", -1)
"""Stands for an account that is, and was, no member."""

FILE: Final = "file"
"""The file's bytes, among the names of what was opened or erased. No field is called so."""


def is_own_side(viewer: MemberRow, submitter: MemberRow | None) -> bool:
    """Whether the viewer submitted it, or stands on the submitter's side."""
    if submitter is None or not submitter.account:
        return False
    if viewer.account == submitter.account:
        return True
    return bool(viewer.side) and viewer.side == submitter.side


def disclosed_to(
    viewer: MemberRow, disclosures: Iterable[DisclosureRow], lodgers: Mapping[int, MemberRow]
) -> frozenset[str]:
    """What acts have opened to this member: to the side that demanded it, to the court, or to all members."""
    shown: set[str] = set()
    for each in disclosures:
        lodger = NOBODY if each.demand is None else lodgers.get(each.demand, NOBODY)
        if each.demand is None or viewer.role == "court" or is_own_side(viewer, lodger):
            shown.update(each.names)
    return frozenset(shown)


def open_names(
    kind: str,
    fields: Mapping[str, Value],
    viewer: MemberRow,
    submitter: MemberRow | None,
    disclosed: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """The names of the fields that this member sees open.

    A side sees all of its own entries. The acts of a case other than evidence are open to its members: they are what
    the case is made of. Of evidence, others see what the submitter's policy, or the default, opens, and what was
    `disclosed` to them.
    """
    if kind != EVIDENCE_ANCHORED or is_own_side(viewer, submitter):
        return frozenset(fields)
    policy = committed_policy(fields)
    return frozenset(name for name in fields if name in disclosed or visibility(name, policy) == "open")


def may_see_file(viewer: MemberRow, submitter: MemberRow | None, disclosed: frozenset[str] = frozenset()) -> bool:
    """The file's bytes: the submitter's side, the court, and those to whom they were disclosed."""
    return viewer.role == "court" or is_own_side(viewer, submitter) or FILE in disclosed


def submitter_of(account: str, members: Mapping[str, MemberRow], chain: str) -> MemberRow:
    """The submitter's membership, also where it has ended: what he submitted is his side's."""
    return members.get(account) or MemberRow(chain, account, "", "", 0)


def committed_policy(fields: Mapping[str, Value]) -> dict[str, Visibility]:
    """The committed policy. What is not there as it was checked at submission opens nothing: where the policy itself
    was erased, nobody knows any more what it sealed.
    """
    if POLICY_FIELD not in fields:
        return dict.fromkeys(NAMESPACES, "sealed")
    stored = fields[POLICY_FIELD]
    found: dict[str, Visibility] = {}
    for key, value in (stored if isinstance(stored, dict) else {}).items():
        if value == "open":
            found[key] = "open"
        else:
            found[key] = "sealed" if value == "sealed" else "on-demand"
    return found
