"""Several processes on two data folders serve one log at once: no error, no gap, no two checkpoints that contradict.

`make test` does a part with two processes, EVIDENCE_CLUSTER_ANCHORS=50000 (`make test-clusters`) the whole with two and
with four.
"""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.entry.leaf import parse_leaf, parse_time
from ledger.store.sql_store import SqlStore
from tests.api.service import FORM_TYPE, Part, form
from tests.clusters.front_ends import FrontEnds, front_ends
from tests.ledger.making import statement

ANCHORS = int(os.environ.get("EVIDENCE_CLUSTER_ANCHORS", "500"))
CLIENTS = 64
WHOLE = ANCHORS >= 10_000
INTERVAL = 1  # seconds between timestamps


def token_times(log: FrontEnds) -> list[int]:
    """When each token was recorded, in milliseconds."""
    store = SqlStore.open(log.settings[0].database)
    times = [parse_time(parse_leaf(row.leaf).time) for row, _ in store.scan() if row.kind == "timestamp.recorded"]
    store.close()
    return times


def anchor_for(log: FrontEnds, seconds: float) -> None:
    """Anchor through the second front end, now and then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        body = form([Part("statement", statement(time.monotonic_ns()))])
        path, token = f"/api/v1/cases/{log.clients.case}/evidence", log.clients.token
        assert log.servers[1].call("POST", path, token, body, Content_Type=FORM_TYPE)[0] == 201
        time.sleep(0.05)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("workers", [1, 2] if WHOLE else [1])
def test_nothing_is_lost_doubled_or_contradicted(tmp_path: Path, postgres_url: str, workers: int) -> None:
    with front_ends(tmp_path, postgres_url, workers=workers, tsa_interval=INTERVAL) as log:
        started = time.monotonic()
        with log.clients.anchoring(CLIENTS, ANCHORS):
            pass
        seconds = time.monotonic() - started
        assert log.clients.refusals == {}
        log.stop()
    log.check()
    told = log.clients.told
    assert len(told.answers) >= ANCHORS
    print(
        f"{2 * workers} processes, {CLIENTS} clients: {len(told.answers)} anchors in {seconds:.1f} s, "
        f"{len(told.checkpoints)} checkpoints seen, {len(token_times(log))} tokens"
    )


def test_one_process_asks_an_authority_and_the_other_takes_over(tmp_path: Path, postgres_url: str) -> None:
    with front_ends(tmp_path, postgres_url, workers=1, tsa_interval=INTERVAL) as log:
        one, other = log.servers
        anchor_for(log, 4)
        killed_at, workers = time.time() * 1000, one.workers()
        one.process.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        anchor_for(log, 3)
        times = token_times(log)
        assert other.stop()[0] == 0
    assert len([each for each in times if each < killed_at]) >= 2
    assert any(each > killed_at for each in times)
    # Each process is due in each interval. A token is recorded some time after its authority was asked: not the whole
    # interval lies between two.
    assert min(after - before for before, after in pairwise(times)) > INTERVAL * 1000 * 0.5, times
