"""The process that is killed: it opens a ledger as a server does, anchors from several threads, polls what it serves,
and tells (tests.crashes.told) of everything that left it.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

from ledger.assembly import Ledger
from ledger.commit import sequencer
from ledger.config import load_settings
from ledger.errors import LedgerError, UnavailableError
from tests.crashes.commit_points import POINTS, REACHED_SECONDS, Moment, arm, by_name, watch
from tests.crashes.submissions import keys, submit
from tests.crashes.told import Telling

POLL_SECONDS = 0.01
MEET_SECONDS = 20
RECOVERY_SECONDS = 0.05  # the program's own second would be most of a run


EVERY = "*"


@dataclass(frozen=True)
class Order:
    """What one process is to do. `point`: where it kills itself; empty: nowhere; EVERY: nowhere, and it tells which it
    did not come to. `count`: submissions of each thread,
    0 for as many as it comes to. `gate`: a file that it waits for before it does anything. `patience`: the seconds
    after which a thread no longer repeats what is refused, but goes; 0: never. `alone`: nothing else runs beside the
    submissions, so that system calls can be counted.
    """

    data: str
    case: str
    telling: str
    run: int
    threads: int = 6
    count: int = 0
    point: str = ""
    moment: Moment = "before"
    turn: int = 1
    gate: str = ""
    patience: float = 0
    alone: bool = False


def work(order: Order) -> None:
    """Carry the order out; usually this does not return."""
    signal.alarm(REACHED_SECONDS)
    sequencer.RECOVERY_SECONDS = RECOVERY_SECONDS
    telling = Telling(Path(order.telling))
    _wait_for(order.gate)
    try:
        settings = load_settings(Path(order.data), {"extract": False}, {})
    except LedgerError as error:
        telling.refused(error)
        return
    point = None if order.point in ("", EVERY) else by_name(order.point)
    points = [each for each in POINTS if settings.embedded or not each.sqlite_only]
    not_met = watch(points if order.point == EVERY else [])
    if point is not None and point.start:
        arm(point, order.moment, order.turn)
    try:
        ledger = Ledger.open(settings)
    except LedgerError as error:
        telling.refused(error)
        return
    if point is not None and not point.start:
        arm(point, order.moment, order.turn)
    if not order.alone:
        ledger.start()
        threading.Thread(target=_poll, args=(ledger, telling), daemon=True).start()
    threads = [threading.Thread(target=_anchor, args=(ledger, order, telling, n)) for n in range(order.threads)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    deadline = monotonic() + MEET_SECONDS  # a token may take its time
    while not_met() and monotonic() < deadline:
        sleep(POLL_SECONDS)
    ledger.close()
    for name in not_met():
        telling.not_met(name)


def _anchor(ledger: Ledger, order: Order, telling: Telling, thread: int) -> None:
    for key in islice(keys(order.run, thread), order.count or None):
        deadline = monotonic() + (order.patience or REACHED_SECONDS)
        while monotonic() < deadline:
            try:
                answered = submit(ledger, order.case, key)
            except UnavailableError as error:  # what a client does that is told to come back: the same key again
                telling.refused(error)
                sleep(RECOVERY_SECONDS)
                continue
            except Exception as error:  # nobody may be told this; the test that reads it says so
                telling.refused(error)
                return
            telling.answered(answered)
            break
        else:
            return


def _poll(ledger: Ledger, telling: Telling) -> None:
    while True:
        with suppress(UnavailableError):
            telling.served(ledger.checkpoint())
        sleep(POLL_SECONDS)


def _wait_for(gate: str) -> None:
    if gate:
        Path(f"{gate}.ready").touch()
    while gate and not os.path.exists(gate):
        sleep(POLL_SECONDS)
