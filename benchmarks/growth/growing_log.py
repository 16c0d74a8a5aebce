"""A log that grows through the real writer, and remembers which cases it has."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.logs import ACCOUNT, OpenLog, make_log, open_log, prepare_entries
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.casework.projection import project
from ledger.commit.batch import Sequenced
from ledger.commit.prepared import Prepared, new_chain, prepare
from ledger.config import Settings, load_settings
from ledger.entry.canonical_json import Value

CASE_ENTRIES: Final = 1_000
"""Of each case, and of each submission: `case.opened` and evidence."""

PIPELINED: Final = 8
"""Submissions under way at once: the writer never waits for us, and its pool never refuses."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FilledCase:
    """A case of `CASE_ENTRIES` entries; `first`: the index of its `case.opened`, the others follow it."""

    chain: str
    first: int


class GrowingLog:
    """A log in `data`, made where there is none. `database`: a URL, or None for SQLite inside of it."""

    def __init__(self, data: Path, database: str | None) -> None:
        self.data = data
        self._cases = data / "cases.jsonl"
        if (data / "config.toml").exists():
            self.settings: Settings = load_settings(data, {}, {})
        else:
            self.settings = make_log(data, database)
        self._cases.touch()

    def grow(self, size: int, say: Say, deadline: float) -> bool:
        """Append until the log has at least so many entries. False where `deadline` (time.monotonic) came first."""
        with open_log(self.settings) as log, self._cases.open("a", encoding="utf-8") as cases:
            begun, start = time.monotonic(), log.store.head().size
            waiting: deque[tuple[str, Future[list[Sequenced]]]] = deque()
            put = told = start
            while put < size and time.monotonic() < deadline:
                chain = new_chain()
                waiting.append((chain, log.sequencer.put(_make_case(chain))))
                put += CASE_ENTRIES
                if len(waiting) == PIPELINED:
                    self._note(cases.write, *waiting.popleft())
                if put - told >= max(100_000, (size - start) // 10):
                    told = put
                    say(f"{put:,} entries, {(put - start) / (time.monotonic() - begun):,.0f} entries/s")
            for chain, future in waiting:
                self._note(cases.write, chain, future)
            return put >= size

    def cases(self) -> list[FilledCase]:
        """All cases that the log was filled with."""
        return [FilledCase(**json.loads(line)) for line in self._cases.read_text(encoding="utf-8").splitlines()]

    def size(self) -> int:
        with open_log(self.settings) as log:
            return head_size(log)

    @staticmethod
    def _note(write: Callable[[str], object], chain: str, future: Future[list[Sequenced]]) -> None:
        write(json.dumps({"chain": chain, "first": future.result()[0].index}) + "\n")


def anchor_alone(settings: Settings, entries: int) -> None:
    """Anchor statements one by one, each in a commit and under a checkpoint of its own."""
    actor = Actor(ACCOUNT, "party")
    with closing(Ledger.open(settings)) as ledger:
        case = ledger.open_case(actor, "Alone").case
        for serial in range(entries):
            ledger.anchor(actor, case, make_statement(serial), None, None, None)


def head_size(log: OpenLog) -> int:
    """Entries in the log."""
    return log.store.head().size


def _make_case(chain: str) -> list[Prepared]:
    fields: dict[str, Value] = {
        "case.title": f"Case {chain[:8]}",
        "member.name": ACCOUNT,
        "member.role": "party",
        "submitter.name": ACCOUNT,
    }
    opened = prepare(chain, "case.opened", fields, projections=project(0, chain, "case.opened", fields))
    return [opened, *prepare_entries(chain, CASE_ENTRIES - 1)]
