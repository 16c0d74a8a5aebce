"""Two front ends on one PostgreSQL database: who anchors a file and who removes it keep out of each other's way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, text

from ledger.errors import UnavailableError
from ledger.store import advisory_locks
from ledger.store.advisory_locks import HOLDER_GONE, AdvisoryLocks
from ledger.store.engine import open_engine

CONTENT, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def engines(postgres_url: str) -> Iterator[tuple[Engine, Engine]]:
    made = open_engine(postgres_url), open_engine(postgres_url)
    yield made
    for each in made:
        each.dispose()


def test_many_hold_a_content_and_one_waits_to_have_it_alone(engines: tuple[Engine, Engine]) -> None:
    here, there = (AdvisoryLocks(each) for each in engines)
    order: list[str] = []

    def remove() -> None:
        with there.held(CONTENT, alone=True):
            order.append("removed")

    remover = threading.Thread(target=remove)
    with here.held(CONTENT, alone=False), there.held(CONTENT, alone=False):
        remover.start()
        remover.join(0.3)
        assert order == []
        with here.held(OTHER, alone=True):
            order.append("committed")
    remover.join(10)
    assert order == ["committed", "removed"]


def test_who_waits_too_long_is_told_to_come_again(
    engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "LOCK_WAIT_MS", 200)
    here, there = (AdvisoryLocks(each) for each in engines)
    with (
        here.held(CONTENT, alone=False),
        pytest.raises(UnavailableError, match="hold a blob"),
        there.held(CONTENT, alone=True),
    ):
        pytest.fail("nobody may have it alone")
    with there.held(CONTENT, alone=True):
        pass


def test_a_process_holds_so_many_and_leaves_connections_to_others(
    engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "HOLDERS", 2)
    monkeypatch.setattr(advisory_locks, "HOLDER_WAIT_S", 0.1)
    locks = AdvisoryLocks(engines[0])
    with (
        locks.held(CONTENT, alone=False),
        locks.held(CONTENT, alone=False),
        pytest.raises(UnavailableError, match="too many"),
        locks.held(OTHER, alone=False),
    ):
        pytest.fail("there is no place left")
    with locks.held(OTHER, alone=True):
        pass


def test_a_holder_that_dies_lets_go(engines: tuple[Engine, Engine]) -> None:
    here, there = (AdvisoryLocks(each) for each in engines)
    with here.held(CONTENT, alone=False):
        with engines[1].connect() as admin:
            admin.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
        begun = time.monotonic()
        with there.held(CONTENT, alone=True):
            assert time.monotonic() - begun < 5
    with here.held(CONTENT, alone=True):
        pass


def test_the_server_is_told_to_notice_a_machine_that_is_gone(engines: tuple[Engine, Engine]) -> None:
    """A socket of the same machine has no keepalives to read back: they are seen being set."""
    seen: list[object] = []
    event.listen(engines[0], "after_cursor_execute", lambda *args: seen.append((args[2], args[3])))
    with AdvisoryLocks(engines[0]).held(CONTENT, alone=False):
        statement, values = seen[0]  # type: ignore[misc]  # pairs, above
        assert {f"tcp_keepalives_{name}" for name in HOLDER_GONE} <= set(re.findall(r"'(\w+)'", statement))
        assert {name: int(values[name]) for name in HOLDER_GONE} == HOLDER_GONE
    assert HOLDER_GONE["idle"] + HOLDER_GONE["interval"] * HOLDER_GONE["count"] <= 30
