"""Many kills on one log, and after each one the start, the repetitions and the check of everything told so far."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger.config import Settings
from ledger.upkeep.fsck import fsck
from tests.crashes.commit_points import Moment, Point
from tests.crashes.nursery import Nursery
from tests.crashes.submissions import submit
from tests.crashes.told import Told, check_told
from tests.crashes.writer import Order
from tests.ledger.making import ALICE, make_log, opened, statement

TIMESTAMPS_SECONDS = 1  # so often that kills meet the entry of a token, too


@dataclass(frozen=True)
class Kill:
    """One kill: at a point, or at any moment (`point` None)."""

    point: Point | None = None
    moment: Moment = "before"
    turn: int = 1


@dataclass
class Campaign:
    """Kills on one log. `figures` counts what happened, for the report."""

    settings: Settings
    case: str
    told: Told
    nursery: Nursery
    folder: Path
    moments: random.Random
    threads: int
    first: int  # entries of the case that no process of this campaign anchored
    runs: int = 0
    mended: int = 0  # runs after which the log was started well
    figures: dict[str, float] = field(default_factory=lambda: {"kills": 0, "answers": 0, "checkpoints": 0, "fsck_s": 0})

    def kill(self, kill: Kill) -> None:
        """Start a writer and have it die; nothing is looked at."""
        order = self.next_order()
        if kill.point is None:
            answered = self.moments.random() < 0.8  # else maybe while it starts and mends
            status = self.nursery.kill_at(order, self.moments.uniform(0, 0.15), answered=answered)
        else:
            armed = replace(order, point=kill.point.name, moment=kill.moment, turn=kill.turn)
            status = self.nursery.run(armed)
        assert status == signal.SIGKILL, f"{kill}: ended with wait status {status}"
        self.figures["kills"] += 1
        self.told.read(Path(order.telling))

    def next_order(self) -> Order:
        """For the next writer, which anchors without end."""
        self.runs += 1
        telling = self.folder / f"told-{self.runs}"
        return Order(str(self.settings.data), self.case, str(telling), self.runs, self.threads)

    def start_again(self) -> None:
        """Start the log, repeat what nobody heard of, and check everything that was ever told."""
        with opened(self.settings) as ledger:
            served = ledger.checkpoint()
            assert served is not None
            self.told.served(served)
            # What may have been about to be answered, and something new: the log goes on.
            unheard = [
                key for run in range(self.mended + 1, self.runs + 1) for key in self.told.in_flight(run, self.threads)
            ]
            for key in [*unheard, f"{self.runs}-{self.threads}-1"]:
                for each, anchored in submit(ledger, self.case, key).items():
                    self.told.answered(each, anchored)
        self.mended = self.runs
        held = check_told(self.settings, self.told)
        # Every key that was ever used is answered now: an entry beyond them would be one doubled.
        assert held.lengths[self.case] == self.first + len(self.told.answers)
        started = time.monotonic()
        assert list(fsck(self.settings)) == []
        self.figures["fsck_s"] += time.monotonic() - started
        self.figures["answers"] = len(self.told.answers)
        self.figures["checkpoints"] = len(self.told.checkpoints)


def begin(
    data: Path, database: str, nursery: Nursery, seed: int = 0, *, threads: int = 6, already: int = 0
) -> Campaign:
    """A new log with a case, and so many entries in it already."""
    settings = make_log(data, database, tsa_interval=TIMESTAMPS_SECONDS)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Crashes").case
        if already:
            ledger.anchor_batch(ALICE, case, [statement(n) for n in range(already)], None)
    told = Told.of(settings)
    return Campaign(settings, case, told, nursery, data.parent, random.Random(seed), threads, 1 + already)


def carry_out(campaign: Campaign, kills: Sequence[Kill]) -> None:
    """All kills; after each one the log is started again, except where the next one meets the start."""
    for n, kill in enumerate(kills):
        campaign.kill(kill)
        after = kills[n + 1].point if n + 1 < len(kills) else None
        if after is None or not after.start:
            campaign.start_again()
