"""Where members act: each command reads the state, lets a rule decide, and appends what it decided.

Who may do what, in which state, is `transitions`; who is refused hears why, and nothing is written. Of two who act at
once one wins; the other is decided anew, and hears what the first one did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from ledger.casework.access import AccessCodes
from ledger.casework.cases import decide_add_member, decide_open_case, decide_remove_member
from ledger.casework.challenges import decide_admission, decide_answer, decide_challenge, decide_challenge_ruling
from ledger.casework.custody import Transfer, decide_channels, decide_read, decide_reveal, decide_transfer
from ledger.casework.demands import (
    Answer,
    check_demand,
    decide_demand,
    decide_disclosure,
    decide_lapse,
    decide_refusal,
    decide_ruling,
)
from ledger.casework.docket import Docket
from ledger.casework.erasures import decide_erasure
from ledger.casework.people import Actor
from ledger.casework.queries import CaseQueries
from ledger.casework.reading import CaseReader
from ledger.casework.reminders import Reminders
from ledger.casework.standing import decide_ask, decide_standing
from ledger.casework.state import EvidenceState
from ledger.casework.views import CaseView, ChallengeView, DemandView, MemberView, ReminderView, StandingView
from ledger.clock import Clock
from ledger.entry.receipt_number import format_number, parse_number
from ledger.errors import LedgerError
from ledger.store.case_contracts import CaseStore
from ledger.submit.acts import Act, Acting, new_chain
from ledger.submit.errors import UnacceptableError

Names: TypeAlias = Sequence[str] | Literal["all"]
Decide: TypeAlias = Callable[[], Sequence[Act]]


class Desk:
    """Commands and lists of a case. `demand_days`: the term of a demand; `record_reads`: whether reading is an act."""

    def __init__(
        self,
        store: CaseStore,
        acting: Acting,
        clock: Clock,
        codes: AccessCodes,
        *,
        demand_days: int,
        record_reads: bool,
    ) -> None:
        self.reader = CaseReader(store)
        self.docket = Docket(store, self.reader)
        self.queries = CaseQueries(store, self.reader, self.docket)
        self._reminders = Reminders(store, clock)
        self._store = store
        self._acting = acting
        self._clock = clock
        self._codes = codes
        self._demand_days = demand_days
        self._record_reads = record_reads

    # --- cases -------------------------------------------------------------------------------------------------------

    def open_case(self, actor: Actor, title: str) -> CaseView:
        """A new case; who opens it is a member with role party."""
        chain = new_chain()
        self._acting.act(lambda: decide_open_case(chain, actor, title))
        return self.queries.case(actor, chain)

    def add_member(self, actor: Actor, case: str, account: str, account_role: str, role: str) -> MemberView:
        """Let an account into a case. Nobody lands on two sides."""

        def decide() -> list[Act]:
            state, _ = self.reader.state_for(actor, case)
            return decide_add_member(state, actor, account, account_role, role)

        self._acting.act(decide)
        view = self.queries.case(actor, case)
        return next(member for member in view.members if member.account == account)

    def remove_member(self, actor: Actor, case: str, account: str, reason: str) -> CaseView:
        """End a membership, with a reason: he sees nothing of the case from then on."""

        def decide() -> list[Act]:
            state, _ = self.reader.state_for(actor, case)
            return decide_remove_member(state, actor, account, reason)

        self._acting.act(decide)
        return self.queries.case(actor, case)

    def declare_channels(self, actor: Actor, case: str, channels: Sequence[Mapping[str, str]]) -> str:
        """Name the addresses from which a side's messages count. Returns the act's number."""

        def decide() -> list[Act]:
            state, _ = self.reader.state_for(actor, case)
            return decide_channels(state, actor, channels)

        return self._number(decide)

    # --- demands -----------------------------------------------------------------------------------------------------

    def demand(self, actor: Actor, number: str, *, fields: Names, object: str = "fields", grounds: str) -> DemandView:
        """Demand fields (full names, prefixes that end in `.*`, or all), the file, the original or its inspection."""
        state = self.reader.evidence_state(number)
        state.role_of(actor)  # strangers hear nothing of what is wrong with their demand
        demanding = check_demand(fields, object, grounds)

        def decide() -> list[Act]:
            state = self.reader.evidence_state(number)
            return decide_demand(state, actor, demanding, self._clock.now_ms(), self._demand_days)

        return self.docket.demand(None, self._number(decide))

    def demand_view(self, actor: Actor, demand: str) -> DemandView:
        return self.docket.demand(actor, demand)

    def demands(self, actor: Actor, case: str, after: int = -1, limit: int = 100) -> list[DemandView]:
        return self.docket.demands(actor, case, after, limit)

    def reminders(self, actor: Actor) -> list[ReminderView]:
        """What waits for the actor in all of his cases: the nearest term first, then what has none."""
        return self._reminders.of(actor)

    def disclose(
        self,
        actor: Actor,
        demand: str,
        *,
        answer: str = "disclosed",
        fields: Sequence[str] | None = None,
        text: str | None = None,
        produced: str | None = None,
    ) -> DemandView:
        """Answer a demand. Without `fields`, all that was demanded and may be disclosed; `produced`: the number of the
        evidence that was produced later.
        """
        if isinstance(fields, str):
            raise UnacceptableError("disclose: expected a list of names", "fields")

        def decide() -> list[Act]:
            state = self.reader.demand_state(demand, actor)
            later = None if produced is None else self._produced(state.evidence, state.row.index, produced)
            names = None if fields is None else tuple(fields)
            return decide_disclosure(state, actor, Answer(answer, names, text, later))

        self._acting.act(decide)
        return self.docket.demand(None, demand)

    def refuse(self, actor: Actor, demand: str, reason: str) -> DemandView:
        """Refuse a demand, or what was not disclosed of it."""
        self._acting.act(lambda: decide_refusal(self.reader.demand_state(demand, actor), actor, reason))
        return self.docket.demand(None, demand)

    def rule(
        self, actor: Actor, demand: str, order: str, reason: str, fields: Sequence[str] | None = None
    ) -> DemandView:
        """The court orders disclosure (of all that was demanded, or of these fields), or upholds the refusal."""
        if isinstance(fields, str):
            raise UnacceptableError("rule: expected a list of names", "fields")
        names = None if fields is None else tuple(fields)
        self._acting.act(lambda: decide_ruling(self.reader.demand_state(demand, actor), actor, order, reason, names))
        return self.docket.demand(None, demand)

    def lapse(self, demand: int) -> bool:
        """Record that a demand's term has passed. False where it was answered meanwhile, or the term has not passed."""
        number = format_number(demand)
        return bool(self._acting.act(lambda: decide_lapse(self.reader.demand_state(number), self._clock.now_ms())))

    def _produced(self, evidence: EvidenceState, demand: int, number: str) -> int:
        """The index of what was produced: evidence of this case and side, committed after the demand."""
        try:
            index = parse_number(number)
        except LedgerError as error:
            raise UnacceptableError(f"disclose: {error.what}", "produced") from error
        row = self._store.evidence(index)
        if row is None or row.chain != evidence.row.chain or row.index <= demand:
            raise UnacceptableError("disclose: expected evidence of this case, committed after the demand", "produced")
        side = evidence.submitter.side
        submitter = evidence.case.membership(row.account)
        same = submitter is not None and bool(side) and submitter.side == side
        if not same and row.account != evidence.row.account:
            raise UnacceptableError("disclose: expected evidence that this side produced", "produced")
        return index

    # --- challenges --------------------------------------------------------------------------------------------------

    def challenge(
        self, actor: Actor, number: str, heads: Sequence[str], fields: Sequence[str], grounds: str
    ) -> ChallengeView:
        """Object to authenticity, wholly or for some fields."""
        made = self._number(lambda: decide_challenge(self.reader.evidence_state(number), actor, heads, fields, grounds))
        return self.docket.challenge(None, made)

    def admit(self, actor: Actor, number: str, fields: Sequence[str] = (), grounds: str | None = None) -> ChallengeView:
        """Admit evidence, wholly or for some fields."""
        made = self._number(lambda: decide_admission(self.reader.evidence_state(number), actor, fields, grounds))
        return self.docket.challenge(None, made)

    def answer_challenge(self, actor: Actor, challenge: str, text: str) -> ChallengeView:
        self._acting.act(lambda: decide_answer(self.reader.challenge_state(challenge, actor), actor, text))
        return self.docket.challenge(None, challenge)

    def rule_challenge(self, actor: Actor, challenge: str, order: str, reason: str) -> ChallengeView:
        self._acting.act(
            lambda: decide_challenge_ruling(self.reader.challenge_state(challenge, actor), actor, order, reason)
        )
        return self.docket.challenge(None, challenge)

    def challenges(self, actor: Actor, number: str) -> list[ChallengeView]:
        return self.docket.challenges(actor, number)

    # --- standing ----------------------------------------------------------------------------------------------------

    def ask_standing(self, actor: Actor, number: str, code: str, role: str) -> StandingView:
        """Ask to be let in, with the access code. A court's account is let in at once, where the case has no court."""
        entry = self._codes.check(actor, number, code)
        text = format_number(entry)

        def decide() -> list[Act]:
            state = self.reader.evidence_state(text)
            asked = self._store.standings_of(state.row.chain, actor.name)
            return decide_ask(state, actor, role, asked)

        placed = self._acting.act(decide)[0]
        if actor.role != "court":
            return self.docket.standing(actor, format_number(placed.index))
        chain = self.reader.evidence_state(text).row.chain
        return StandingView(None, text, chain, "admitted", actor.name, "court", placed.time)

    def standing_view(self, actor: Actor, standing: str) -> StandingView:
        return self.docket.standing(actor, standing)

    def standings(self, actor: Actor, case: str, after: int = -1, limit: int = 100) -> list[StandingView]:
        return self.docket.standings(actor, case, after, limit)

    def rule_standing(self, actor: Actor, standing: str, order: str, reason: str) -> StandingView:
        """Let somebody in who asked, or not, with a reason."""
        self._acting.act(lambda: decide_standing(self.reader.standing_state(standing, actor), actor, order, reason))
        return self.docket.standing(actor, standing)

    def renew_access(self, actor: Actor, number: str) -> str:
        """A new access code; the one before is worth nothing from now on."""
        return self._codes.renew(actor, self.reader.evidence_state(number))

    # --- custody -----------------------------------------------------------------------------------------------------

    def transfer_custody(self, actor: Actor, number: str, transfer: Transfer) -> str:
        """Record a transfer of custody. Returns the act's number."""
        return self._number(lambda: decide_transfer(self.reader.evidence_state(number), actor, transfer))

    def reveal(self, actor: Actor, number: str, fields: Sequence[str]) -> str:
        """Open fields, or the file, to all members: commit now and reveal at filing. Returns the act's number."""
        return self._number(lambda: decide_reveal(self.reader.evidence_state(number), actor, fields))

    def order_erasure(self, actor: Actor, number: str, fields: Names, order: str) -> int:
        """Record that fields are to be erased. Returns the act's index; ledger.upkeep.erase carries it out."""
        placed = self._acting.act(lambda: decide_erasure(self.reader.evidence_state(number), actor, fields, order))
        return placed[0].index

    def record_read(self, actor: Actor, number: str, what: str) -> None:
        """Record that somebody else than the submitter's side was given this, where the operator has it recorded."""
        if self._record_reads:
            self._acting.act(lambda: decide_read(self.reader.evidence_state(number), actor, what))

    def _number(self, decide: Decide) -> str:
        return format_number(self._acting.act(decide)[0].index)
