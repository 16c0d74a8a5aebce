"""PostgreSQL with a synchronous standby: what was acknowledged is on both, and the standby takes over under load.

The last test takes the primary away for good. `make test` does a part, EVIDENCE_CLUSTER_ANCHORS=50000 the whole.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.commit import recovery, sequencer
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.config import Settings
from ledger.errors import RolledBackError, UnavailableError
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.sql_store import SqlStore
from ledger.submit.anchor_flow import Anchored
from ledger.upkeep import condition
from ledger.upkeep.fsck import fsck
from tests.clusters.front_ends import front_ends
from tests.ledger.making import ALICE, make_log, opened, statement
from tests.postgres import SUPERUSER, PostgresServer, running_postgres, running_standby

ANCHORS = int(os.environ.get("EVIDENCE_CLUSTER_ANCHORS", "500"))
CLIENTS = 32
SECONDS = 30  # for what takes milliseconds where nothing else runs


@dataclass
class Pair:
    """A primary, and its standby, for which each of its commits waits."""

    primary: PostgresServer
    standby: PostgresServer

    def url(self, database: str) -> str:
        """The address of whichever of the two can write."""
        hosts = "&".join(f"host={each.socket_folder}" for each in (self.primary, self.standby))
        return f"postgresql://{SUPERUSER}@/{database}?{hosts}&target_session_attrs=read-write"

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """The standby takes in nothing and confirms nothing."""
        pids = self.standby.pids()
        for each in pids:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in pids:
                os.kill(each, signal.SIGCONT)

    def waiting(self) -> list[int]:
        """The sessions whose commit waits for the standby."""
        asked = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"
        return [int(pid) for (pid,) in self.primary.ask(asked)]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with running_postgres() as primary, running_standby(primary) as standby:
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)'")
        primary.ask("SELECT pg_reload_conf()")
        until(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        yield Pair(primary, standby)


@pytest.fixture
def log(tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, str]:
    """A log on the pair, which requires the standby, and a case in it."""
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.05)
    made = make_log(tmp_path / "data", pair.url(pair.primary.create_database()))
    settings = replace(made, synchronous_standby=True)
    with opened(settings) as ledger:
        return settings, ledger.open_case(ALICE, "Standby").case


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kept_size(settings: Settings) -> int:
    note = KeptCheckpoint(settings.kept).read()
    assert note is not None
    return parse_checkpoint(parse_note(note).text).size


def test_a_standby_alone_is_no_database_to_work_on(log: tuple[Settings, str], pair: Pair) -> None:
    settings, _ = log
    name = settings.database.partition("@/")[2].partition("?")[0]
    with pytest.raises(UnavailableError, match="expected the primary server, got a standby"):
        SqlStore.open(pair.standby.url(name))


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_that_was_told_to_wait_no_longer_is_not_acknowledged(
    log: tuple[Settings, str], pair: Pair, how: str
) -> None:
    """PostgreSQL calls a commit done whose wait for the standby was cancelled: by hand, or by statement_timeout."""
    settings, case = log
    with opened(settings) as ledger, ThreadPoolExecutor(1) as pool:
        before = kept_size(settings)
        with pair.standing_still():
            asked: Future[Anchored] = pool.submit(ledger.anchor, ALICE, case, statement(1), None, None, "k")
            until(pair.waiting)
            pair.primary.ask(f"SELECT {how}({pair.waiting()[0]})")
            with pytest.raises(UnavailableError, match="outcome is not known"):
                asked.result(SECONDS)
            # It is committed on the primary, where everybody sees it, and nowhere else: nothing of it is signed.
            assert ledger.status()["size"] == before + 1
            until(pair.waiting)  # the writer, which recovers
            assert kept_size(settings) == before
        until(lambda: not ledger.readiness())
        again = ledger.anchor(ALICE, case, statement(1), None, None, "k")
        assert (again.replayed, again.index) == (True, before)
        assert kept_size(settings) == before + 1
    assert list(fsck(settings)) == []


def test_what_a_restarted_primary_shows_is_not_signed_before_the_standby_has_it(
    log: tuple[Settings, str], pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings, case = log
    monkeypatch.setattr(recovery, "WAIT_SHOWN_SECONDS", 0.05)
    with opened(settings) as ledger, ThreadPoolExecutor(1) as pool:
        before = kept_size(settings)
        with pair.standing_still():
            asked: Future[Anchored] = pool.submit(ledger.anchor, ALICE, case, statement(1), None, None, "k")
            until(pair.waiting)
            assert ledger.readiness() == []
            monkeypatch.setattr(condition, "COMMIT_SECONDS", 0)
            assert ledger.readiness() == ["a commit has waited for the database for 0 s: is its standby there?"]
            os.kill(pair.waiting()[0], signal.SIGKILL)  # the server takes all its processes down and starts again
            with pytest.raises(UnavailableError, match="outcome is not known"):
                asked.result(SECONDS)
            until(lambda: not isinstance(_size(ledger.status), Exception) and pair.waiting())
            until(lambda: "waiting for the database to confirm a commit" in caplog.text)
            assert ledger.status()["size"] == before + 1
            assert kept_size(settings) == before
        until(lambda: ledger.readiness() == [])
        assert ledger.anchor(ALICE, case, statement(1), None, None, "k").replayed
    assert list(fsck(settings)) == []


def test_a_standby_that_missed_something_is_refused_when_it_takes_over(
    log: tuple[Settings, str], pair: Pair, tmp_path: Path
) -> None:
    """As an asynchronous one may: what it lacks was acknowledged. Nobody goes on from there."""
    settings, case = log
    with running_standby(pair.primary) as late:
        late.ask("ALTER SYSTEM SET primary_conninfo = ''")
        late.ask("ALTER SYSTEM RESET synchronous_standby_names")  # of the primary, whose copy it is
        late.ask("SELECT pg_reload_conf()")
        until(lambda: late.ask("SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)])
        with opened(settings) as ledger:
            index = ledger.anchor(ALICE, case, statement(1), None, None, "k").index
        late.ask("SELECT pg_promote()")
        name = settings.database.partition("@/")[2].partition("?")[0]
        late_settings = replace(settings, database=late.url(name), synchronous_standby=False)
        wanted = f"the kept checkpoint has size {index + 1}, the database only {index}"
        with pytest.raises(RolledBackError, match=wanted), opened(late_settings):
            pass


@pytest.mark.timeout(1_200)
def test_the_primary_dies_under_load_and_the_standby_goes_on(tmp_path: Path, pair: Pair) -> None:
    """Keep this the last one: there is no pair any more after it."""
    with front_ends(tmp_path, pair.url(pair.primary.create_database()), workers=1) as log:
        clients = log.clients
        with clients.anchoring(CLIENTS, ANCHORS):
            clients.wait_for(ANCHORS // 50)
            answers = len(clients.acknowledged)
            started = time.monotonic()
            pair.primary.kill()
            pair.standby.ask("SELECT pg_promote()")
            promoted = time.monotonic() - started
        assert len(clients.acknowledged) > answers
        silence = clients.longest_silence()
        log.stop()
    log.check()
    print(
        f"the primary died under {CLIENTS} clients: {len(clients.told.answers)} anchors acknowledged, all there, once; "
        f"{sum(clients.refusals.values())} requests repeated; nobody was answered for {silence:.2f} s, of which "
        f"{promoted:.2f} s until the standby was promoted"
    )
    assert clients.refusals
    assert silence < SECONDS + promoted


def _size(status: Callable[[], dict[str, object]]) -> object:
    try:
        return status()["size"]
    except UnavailableError as error:
        return error
