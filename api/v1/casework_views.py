"""Demands, challenges and requests for standing as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ledger.entry.canonical_json import Value

if TYPE_CHECKING:
    from ledger.casework.views import ChallengeView, DemandView, EventView, LinkView, ReminderView, StandingView


def demand_json(demand: DemandView) -> Value:
    return {
        "demand": demand.demand,
        "number": demand.number,
        "case": demand.case,
        "state": demand.state,
        "object": demand.object,
        "fields": demand.fields if isinstance(demand.fields, str) else list(demand.fields),
        "grounds": demand.grounds,
        "due_at": demand.due_at,
        "due_basis": demand.due_basis,
        "time": demand.time,
        "by": demand.by,
        "events": _events(demand.events),
    }


def challenge_json(challenge: ChallengeView) -> Value:
    return {
        "challenge": challenge.challenge,
        "number": challenge.number,
        "case": challenge.case,
        "state": challenge.state,
        "heads": list(challenge.heads),
        "fields": list(challenge.fields),
        "grounds": challenge.grounds,
        "time": challenge.time,
        "by": challenge.by,
        "events": _events(challenge.events),
    }


def standing_json(standing: StandingView) -> Value:
    return {
        "standing": standing.standing,
        "number": standing.number,
        "case": standing.case,
        "state": standing.state,
        "user": standing.account,
        "role": standing.role,
        "time": standing.time,
        "events": _events(standing.events),
    }


def reminder_json(reminder: ReminderView) -> Value:
    return {
        "kind": reminder.kind,
        "subject": reminder.subject,
        "number": reminder.number,
        "case": reminder.case,
        "due_at": reminder.due_at,
        "seconds_left": reminder.seconds_left,
        "level": reminder.level,
    }


def link_json(link: LinkView) -> Value:
    return {"relation": link.relation, "number": link.number, "mine": link.mine}


def _events(events: Iterable[EventView]) -> list[Value]:
    return [{"number": each.number, "kind": each.kind, "time": each.time, "by": each.by} for each in events]
