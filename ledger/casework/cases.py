"""Open a case, add a member: pure decisions on a case's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.casework.people import CASE_ROLES, OFFICE_ROLES, Actor
from ledger.casework.texts import check_text
from ledger.errors import ConflictError, ForbiddenError, NotFoundError
from ledger.store.log_rows import CaseRow, MemberRow
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError

TITLE_CHARACTERS: Final = 300
"""Characters of a case's title: a line on a screen, not a document."""

CASE_MEMBERS: Final = 1_000
"""Members of a case: a collective action fits, a script gone wild does not."""


@dataclass(frozen=True, slots=True)
class CaseState:
    """What decisions on a case stand on. `members`: those who were removed too; `length`: entries of its chain when it
    was read; `acts`: those that change what rules decide.
    """

    case: CaseRow
    members: tuple[MemberRow, ...]
    length: int
    acts: int

    def member(self, account: str) -> MemberRow | None:
        """This account's membership, unless it has ended."""
        found = self.membership(account)
        return found if found is not None and found.removed is None else None

    def membership(self, account: str) -> MemberRow | None:
        """This account's membership, also where it has ended."""
        return next((member for member in self.members if member.account == account), None)

    def present(self) -> tuple[MemberRow, ...]:
        """The members now."""
        return tuple(member for member in self.members if member.removed is None)

    def has_court(self) -> bool:
        return any(member.role == "court" for member in self.present())


def decide_open_case(chain: str, actor: Actor, title: str) -> list[Act]:
    """A new chain: `case.opened`, whose opener is a member with role party. Raises UnacceptableError for a bad
    title.
    """
    _check_title(title)
    fields = {"case.title": title, "member.name": actor.name, "member.role": "party", "submitter.name": actor.name}
    return [Act(chain, "case.opened", fields, 0)]


def decide_add_member(state: CaseState, actor: Actor, account: str, account_role: str, role: str) -> list[Act]:
    """`member.added`. Raises ForbiddenError, ConflictError or UnacceptableError.

    The opener adds members, and the case's court; once a court is in, only it admits another. An office in a case is
    for accounts of that office. Nobody is a member twice, and so nobody is on two sides.
    """
    if role not in CASE_ROLES:
        raise UnacceptableError(f"add a member: expected a role among {', '.join(CASE_ROLES)}, got {role!r}", "role")
    mine = state.member(actor.name)
    if mine is None or not (actor.name == state.case.opener or mine.role == "court"):
        raise ForbiddenError("add a member: only who opened the case, and its court, may")
    if role in OFFICE_ROLES and account_role != role:
        raise ForbiddenError(f"add a member: {account} has no account of role {role}", "role")
    if role == "court" and state.has_court() and mine.role != "court":
        raise ForbiddenError("add a member: the case has a court, so only that court admits another", "role")
    check_newcomer(state, account, role)
    return [member_added(state, actor, account, role)]


def check_newcomer(state: CaseState, account: str, role: str) -> None:
    """Raises ConflictError where this account cannot become a member with this role.

    One who was removed comes back in the role that he had: he knows what his side knows.
    """
    before = state.membership(account)
    if before is not None and before.removed is None:
        raise ConflictError(f"add a member: {account} is a member already, with role {before.role}", "user")
    if before is not None and before.role != role:
        raise ConflictError(f"add a member: {account} was a member with role {before.role}, and has no other", "user")
    if len(state.present()) >= CASE_MEMBERS:
        raise ConflictError(f"add a member: the case has {CASE_MEMBERS} members, the most there may be")


def member_added(state: CaseState, actor: Actor, account: str, role: str, *, after: int = 0) -> Act:
    """The act that lets a checked newcomer in; `after`: acts of the same submission that come before it."""
    fields = {"member.name": account, "member.role": role, "submitter.name": actor.name}
    return Act(state.case.chain, "member.added", fields, state.acts + after)


def decide_remove_member(state: CaseState, actor: Actor, account: str, reason: str) -> list[Act]:
    """`member.removed`. Raises ForbiddenError, NotFoundError or UnacceptableError.

    Who opened the case removes anybody but the court and himself; the court anybody but himself.
    """
    mine = state.member(actor.name)
    if mine is None or not (actor.name == state.case.opener or mine.role == "court"):
        raise ForbiddenError("remove a member: only who opened the case, and its court, may")
    check_text(reason, "remove a member", "reason")
    member = state.member(account)
    if member is None:
        raise NotFoundError("remove a member: the case has no such member", "user")
    if account == actor.name:
        raise ForbiddenError("remove a member: nobody removes himself", "user")
    if member.role == "court" and mine.role != "court":
        raise ForbiddenError("remove a member: only a court removes a court", "user")
    fields = {
        "member.name": account,
        "member.role": member.role,
        "ruling.reason": reason,
        "submitter.name": actor.name,
    }
    return [Act(state.case.chain, "member.removed", fields, state.acts)]


def _check_title(title: str) -> None:
    if not title.strip() or len(title) > TITLE_CHARACTERS:
        raise UnacceptableError(f"open a case: expected a title of 1 to {TITLE_CHARACTERS} characters", "title")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F for character in title):
        raise UnacceptableError("open a case: expected a title of one line without control characters", "title")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in title):
        raise UnacceptableError("open a case: expected valid Unicode, got a lone surrogate", "title")
