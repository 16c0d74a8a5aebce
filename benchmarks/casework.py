"""The timeline and a demand at the API, in ledgers with 50,000 entries in a case and 50,000 cases, beside an empty one.

The requests are answered in this process, by the application itself: a server's sockets and threads would take the same
time on every ledger, and hide by so much what the ledgers differ in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.case_caller import PAGE, CaseCaller
from benchmarks.comparison import Figures, Outcome, SkippedError, tabulate
from benchmarks.logs import ACCOUNT, OpenLog, make_log, open_log, prepare_entries
from benchmarks.postgres import name_of, start_postgres
from benchmarks.scale import Scale
from ledger.assembly import Ledger
from ledger.casework.projection import project
from ledger.commit.prepared import Prepared, new_chain, prepare
from ledger.entry.canonical_json import Value

Fill: TypeAlias = Callable[[OpenLog, str, int], None]
Callers: TypeAlias = dict[tuple[str, str], CaseCaller]
"""By what the ledger holds, and the database's name."""

_BATCH: Final = 1_000
_DEMAND_EVERY: Final = 5  # entries of the full case: four pieces of evidence, then a demand for what the last one holds
_EMPTY: Final = "empty ledger"
_NOTES: Final = (
    "empty: one case, one piece of evidence; the others: many entries more in that case, or many cases beside it",
    f"a page: {PAGE} entries on every ledger; POST demands: answered when the demand is durable, signed and kept",
    "÷ a under p99 ms: the p99 as a ratio to the empty ledger's",
)


def measure(scale: Scale, folder: Path) -> Outcome:
    """On SQLite and PostgreSQL in one run; on SQLite alone, saying why, where no PostgreSQL can start.

    That no call reads a table from end to end is the query plans' test.
    """
    many, requests = scale.of(50_000, 1_000), scale.of(120, 10)
    fills: dict[str, Fill] = {
        _EMPTY: _fill_nothing,
        f"{many:,} entries in one case": _fill_case,
        f"{many:,} cases with one entry": _fill_cases,
    }
    with ExitStack() as stack:
        databases, notes = _start_databases(stack)
        callers: Callers = {}
        for title, fill in fills.items():
            for name, make_database in databases.items():
                ledger, case = _make_ledger(folder / f"{name}, {title}", make_database(), fill, many)
                stack.callback(ledger.close)
                callers[title, name] = CaseCaller(ledger, case)
        taken: dict[str, list[Figures]] = {title: [] for title in fills}
        for _ in range(scale.of(3, 2)):
            for title, figures in _ask_in_turn(callers, requests).items():
                taken[title].append(figures)
    title = f"timeline and demand at the API, by what else the ledger holds, on {' and '.join(databases)}"
    return tabulate("casework", title, taken, {_EMPTY}, (*_NOTES, *notes))


def _ask_in_turn(callers: Callers, requests: int) -> dict[str, Figures]:
    """A round: every ledger is asked once, then every ledger again, so that a busy moment of the machine is the same
    for all. By title, the figures of both databases.
    """
    for _ in range(requests):
        for caller in callers.values():
            caller.ask()
    figures: dict[str, Figures] = {}
    for (title, name), caller in callers.items():
        named = {f"{metric}, {name}": value for metric, value in caller.figures().items()}
        figures[title] = {**figures.get(title, {}), **named}
    return figures


def _start_databases(stack: ExitStack) -> tuple[dict[str, Callable[[], str | None]], list[str]]:
    """By name, what makes a new database and gives its URL (None: the data folder's own file); and what to note."""
    databases: dict[str, Callable[[], str | None]] = {"SQLite": lambda: None}
    try:
        server = start_postgres(stack)
    except SkippedError as reason:
        return databases, [f"on SQLite alone: {reason}"]
    databases[name_of(server)] = lambda: server.url(server.create_database())
    return databases, []


def _make_ledger(data: Path, database: str | None, fill: Fill, many: int) -> tuple[Ledger, str]:
    """An open ledger with all that `fill` puts into it, and the case to ask about: opened, joined, one evidence."""
    settings, case = make_log(data, database), new_chain()
    with open_log(settings) as log:
        log.sequencer.append([_open_case(case), _add_opponent(case), *prepare_entries(case, 1)])
        fill(log, case, many)
    return Ledger.open(settings), case


def _fill_nothing(log: OpenLog, case: str, many: int) -> None:
    """The empty ledger."""


def _fill_case(log: OpenLog, case: str, many: int) -> None:
    for _ in range(0, many, _BATCH):
        first = log.store.head().size
        entries = prepare_entries(case, _BATCH)
        for place in range(_DEMAND_EVERY - 1, _BATCH, _DEMAND_EVERY):
            entries[place] = _demand(case, first + place - 1)
        log.sequencer.append(entries)


def _fill_cases(log: OpenLog, case: str, many: int) -> None:
    for _ in range(0, many, _BATCH):
        log.sequencer.append([_open_case(new_chain()) for _ in range(_BATCH)])


def _open_case(chain: str) -> Prepared:
    who: dict[str, Value] = {"member.name": ACCOUNT, "member.role": "party", "submitter.name": ACCOUNT}
    return _act(chain, "case.opened", {"case.title": f"Case {chain[:8]}", **who})


def _add_opponent(chain: str) -> Prepared:
    who: dict[str, Value] = {"member.name": CaseCaller.OPPONENT, "member.role": "opposing", "submitter.name": ACCOUNT}
    return _act(chain, "member.added", who)


def _demand(chain: str, entry: int) -> Prepared:
    fields: dict[str, Value] = {
        "demand.due_at": "2100-01-01T00:00:00.000Z",
        "demand.due_basis": "a benchmark's",
        "demand.fields": "all",
        "demand.grounds": "the picture looks cut",
        "demand.object": "fields",
        "relation.entry": entry,
        "submitter.name": CaseCaller.OPPONENT,
    }
    return _act(chain, "metadata.demanded", fields)


def _act(chain: str, kind: str, fields: dict[str, Value]) -> Prepared:
    return prepare(chain, kind, fields, projections=project(0, chain, kind, fields))
