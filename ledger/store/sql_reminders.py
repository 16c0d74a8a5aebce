"""What waits for a person, over all of his cases.

What is asked has a term or is soon ruled on: few rows have that state, and they are read by it. Refused and lapsed
demands pile up over the years: those are read case by case, for the court alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, and_, or_, select, union_all

from ledger.store import schema
from ledger.store.case_rows import DemandRow, StandingRow
from ledger.store.engine import database_errors
from ledger.store.sql_acts import demand_of, standing_of

# Cases and states read in one statement; SQLite takes no more than 500.
PARTS = 90

_mine = schema.members.alias("mine")
_theirs = schema.members.alias("theirs")


class ReminderReads:
    """The reads of ledger.store.case_contracts.CaseStore over all cases of one account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def demands_to_answer(self, account: str, limit: int) -> list[DemandRow]:
        demands, evidence = schema.demands, schema.evidence
        side = and_(_mine.c.side != "", _theirs.c.side == _mine.c.side)
        joined = (
            demands.join(_mine, _present(demands, account))
            .join(evidence, evidence.c.idx == demands.c.entry)
            .join(_theirs, and_(_theirs.c.chain == demands.c.chain, _theirs.c.account == evidence.c.account))
        )
        wanted = and_(demands.c.state == "asked", or_(_theirs.c.account == account, side))
        statement = select(demands).select_from(joined).where(wanted).order_by(demands.c.due_at, demands.c.idx)
        return [demand_of(row) for row in self._found("list demands to answer", statement.limit(limit))]

    def demands_to_rule(self, account: str, states: Sequence[str], limit: int) -> list[DemandRow]:
        members = schema.members
        court = and_(members.c.account == account, members.c.role == "court", members.c.removed.is_(None))
        ordered = select(members.c.chain).where(court).order_by(members.c.case_idx)
        wanted = [(row.chain, state) for row in self._found("list a court's cases", ordered) for state in states]
        found: list[DemandRow] = []
        for at in range(0, len(wanted), PARTS):
            parts = [_nearest(chain, state, limit) for chain, state in wanted[at : at + PARTS]]
            rows = self._found("list demands to rule on", union_all(*parts).limit(limit - len(found)))
            found += map(demand_of, rows)
            if len(found) >= limit:
                break
        return sorted(found, key=lambda row: row.index)

    def standings_to_rule(self, account: str, limit: int) -> list[StandingRow]:
        standings, evidence = schema.standings, schema.evidence
        joined = standings.join(_mine, _present(standings, account)).join(evidence, evidence.c.idx == standings.c.entry)
        wanted = and_(standings.c.state == "asked", or_(_mine.c.role == "court", evidence.c.account == account))
        statement = select(standings).select_from(joined).where(wanted).order_by(standings.c.idx)
        return [standing_of(row) for row in self._found("list requests to rule on", statement.limit(limit))]

    def _found(self, act: str, statement: Any) -> list[Any]:
        with database_errors(act), self._engine.connect() as connection:
            return list(connection.execute(statement).all())


def _present(table: Any, account: str) -> Any:
    """This account is a member of the row's case, and was not removed."""
    return and_(_mine.c.chain == table.c.chain, _mine.c.account == account, _mine.c.removed.is_(None))


def _nearest(chain: bytes, state: str, limit: int) -> Any:
    """A case's demands in this state, by their term: one walk along an index, however many there are."""
    demands = schema.demands
    mine = and_(demands.c.chain == chain, demands.c.state == state)
    # Two levels: a part of a union may have an order and a limit only as a table of its own.
    return select(select(demands).where(mine).order_by(demands.c.due_at).limit(limit).subquery())
