"""Accounts, the roles they have in a case, and the sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.store.log_rows import MemberRow

ACCOUNT_ROLES: Final = ("party", "counsel", "court", "clerk", "notary", "expert", "auditor", "operator")
"""What an account is, everywhere."""

CASE_ROLES: Final = ("party", "opposing", "third", "court", "clerk", "notary", "expert")
"""What a member is in one case."""

SIDE_ROLES: Final = ("party", "opposing", "third")
"""The roles that make a side. A side is all members with role party, or all with role opposing; each third its own."""

OFFICE_ROLES: Final = ("court", "clerk", "notary", "expert")
"""Roles in a case that only an account of that very role can have: a party must not make itself a court."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the account's name and role."""

    name: str
    role: str


def side_of(account: str, role: str) -> str:
    """The side that this role gives: `party`, `opposing`, `third:<account>`, or nothing."""
    if role == "third":
        return f"third:{account}"
    return role if role in SIDE_ROLES else ""


def may_anchor(member: MemberRow) -> bool:
    """Any side, a notary and an expert may anchor evidence."""
    return bool(member.side) or member.role in ("notary", "expert")
