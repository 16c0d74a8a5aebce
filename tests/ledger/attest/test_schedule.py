from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.attest.development_tsa import DevelopmentAuthority, create_development_authority
from ledger.attest.rfc3161_token import TimestampInfo, check_response
from ledger.attest.schedule import (
    FIRST_BACKOFF_SECONDS,
    LAST_BACKOFF_SECONDS,
    Authority,
    AuthorityStatus,
    LastToken,
    Timestamping,
    Turn,
    backoff,
    due,
)
from ledger.attest.tsa_client import request_timestamp
from ledger.errors import ConfigError, UnavailableError
from tests.fakes.openssl_authority import OpensslAuthority

START = 1_795_252_502_123
MATERIAL = create_development_authority(START)


@dataclass
class Log:
    """A log and a clock in memory: entries are the names of their kinds."""

    entries: list[str] = field(default_factory=list)
    signed: int = 0
    now_ms: int = START
    tokens: list[tuple[str, str, bytes]] = field(default_factory=list)
    full: bool = False

    def clock(self) -> int:
        return self.now_ms

    def later(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    def append(self, kind: str = "evidence.anchored") -> None:
        self.entries.append(kind)
        self.signed = len(self.entries)

    def newest_checkpoint(self) -> tuple[str, int]:
        return f"log.example\n{self.signed}\nAAAA\n", self.signed

    def entries_since(self, size: int) -> bool:
        return any(kind != "timestamp.recorded" for kind in self.entries[size:])

    def record(self, authority: str, stamped: str, token: bytes) -> int:
        if self.full:
            raise UnavailableError("recording a timestamp: expected room, got none")
        self.tokens.append((authority, stamped, token))
        self.append("timestamp.recorded")
        return len(self.entries) - 1

    def timestamping(self, *authorities: Authority, **options: object) -> Timestamping:
        return Timestamping(
            authorities,
            newest_checkpoint=self.newest_checkpoint,
            entries_since=self.entries_since,
            record=self.record,
            clock=self.clock,
            **options,  # type: ignore[arg-type]  # each test names one or two
        )


@pytest.fixture
def log() -> Log:
    started = Log()
    started.append("log.opened")
    return started


def development(log: Log, name: str = "development") -> Authority:
    return Authority(name, DevelopmentAuthority(MATERIAL, log.clock).stamp)


def failing(name: str = "down", error: Exception | None = None) -> Authority:
    def ask(data: bytes) -> tuple[bytes, TimestampInfo]:
        raise error or UnavailableError("asking: expected an answer, got none", "http://tsa.example/")

    return Authority(name, ask)


# --- the decision ---


def test_each_rule_of_when_to_ask() -> None:
    assert due(0, None, False)
    assert due(0, None, True)
    assert not due(159.9, 100, True)
    assert due(160, 100, True)
    assert not due(160, 100, False)
    assert not due(3699.9, 100, False)
    assert due(3700, 100, False)
    assert due(105, 100, True, interval=5)
    assert due(107, 100, False, interval=5, idle_interval=7)
    assert not due(106, 100, False, interval=5, idle_interval=7)
    assert due(107, 100, True, interval=60, idle_interval=7)


def test_a_clock_set_back_does_not_stop_timestamps() -> None:
    assert due(50, 100, False)


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0.1, 1e5), st.floats(0.1, 1e5))
def test_new_entries_never_make_it_later(now: float, last: float, interval: float, idle: float) -> None:
    if due(now, last, False, interval, idle):
        assert due(now, last, True, interval, idle)


def test_backoff_doubles_to_its_bound() -> None:
    assert backoff(0) == 0
    assert [backoff(n) for n in (1, 2, 3)] == [FIRST_BACKOFF_SECONDS * n for n in (1, 2, 4)]
    assert backoff(10**9) == LAST_BACKOFF_SECONDS
    assert all(backoff(n) <= backoff(n + 1) <= LAST_BACKOFF_SECONDS for n in range(60))


# --- asking, step by step, with a clock that stands still ---


def test_a_token_on_the_newest_checkpoint_is_recorded(log: Log) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority)
    assert timestamping.ask_if_due(authority)
    ((name, stamped, token),) = log.tokens
    assert (name, stamped) == ("development", "log.example\n1\nAAAA\n")
    root = DevelopmentAuthority(MATERIAL, log.clock).root
    assert check_response(token, stamped.encode(), None, None, [root]).gen_time_ms == START
    status = timestamping.status()[0]
    assert (status.last_success_ms, status.stamped_size, status.last_index) == (START, 1, 1)
    assert status.last_error is None
    assert status.signer_ends_ms is not None
    assert not status.signer_ends_soon


def test_its_own_tokens_do_not_call_for_the_next(log: Log) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority)
    asked = []
    for second in range(0, 7300, 10):
        if timestamping.ask_if_due(authority):
            asked.append(second)
        log.later(10)
    assert asked == [0, 3600, 7200]


def test_new_entries_call_for_one_after_the_interval(log: Log) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority, interval=60)
    timestamping.ask_if_due(authority)
    log.append()
    log.later(59)
    assert not timestamping.ask_if_due(authority)
    log.later(1)
    assert timestamping.ask_if_due(authority)
    log.later(60)
    assert not timestamping.ask_if_due(authority)


def test_the_log_is_asked_only_where_that_can_decide(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority)
    timestamping.ask_if_due(authority)
    asked = []
    monkeypatch.setattr(timestamping, "_newest_checkpoint", lambda: asked.append(1))
    log.later(59)
    timestamping.ask_if_due(authority)
    assert asked == []
    log.later(1)
    timestamping.ask_if_due(authority)
    assert asked == [1]


def test_of_two_processes_the_second_finds_the_first_ones_token(log: Log) -> None:
    held: list[str] = []

    @contextmanager
    def turn(authority: str) -> Iterator[Turn | None]:
        if held:
            yield None
            return
        held.append(authority)
        last = [n for n, kind in enumerate(log.entries) if kind == "timestamp.recorded"]
        try:
            yield Turn(LastToken(log.now_ms, last[-1], last[-1]) if last else None)
        finally:
            held.clear()

    authority = development(log)
    first, second = log.timestamping(authority, turn=turn), log.timestamping(failing("development"), turn=turn)
    held.append("somebody")
    assert not first.ask_if_due(authority)  # another's turn: nothing is asked, and nothing has failed
    assert first.status()[0].failures == 0
    held.clear()
    assert not second.ask_if_due(failing("development"))
    assert second.status()[0].failures == 1
    assert first.ask_if_due(authority)
    log.later(FIRST_BACKOFF_SECONDS)
    assert not second.ask_if_due(authority)
    assert len(log.tokens) == 1
    status = second.status()[0]
    assert (status.stamped_size, status.last_index, status.failures) == (1, 1, 0)
    # Once it is due again, whoever comes first asks.
    log.append()
    log.later(60)
    assert second.ask_if_due(authority)
    assert not first.ask_if_due(authority)
    assert len(log.tokens) == 2


def test_an_entry_that_no_checkpoint_covers_yet_is_waited_for(log: Log) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority)
    log.append()
    timestamping.ask_if_due(authority)
    log.entries[2:] = ["evidence.anchored"]  # committed, unsigned
    log.signed = 2
    log.later(100)
    assert not timestamping.ask_if_due(authority)
    log.signed = 3
    assert timestamping.ask_if_due(authority)


def test_an_empty_log_is_not_stamped() -> None:
    log = Log()
    authority = development(log)
    assert not log.timestamping(authority).ask_if_due(authority)
    timestamping = Timestamping(
        [authority],
        newest_checkpoint=lambda: None,
        entries_since=log.entries_since,
        record=log.record,
        clock=log.clock,
    )
    assert not timestamping.ask_if_due(authority)
    assert timestamping.status() == [AuthorityStatus("development")]


def test_the_last_token_of_an_earlier_run_is_remembered(log: Log) -> None:
    authority = development(log)
    log.append("timestamp.recorded")
    last = {"development": LastToken(START - 30_000, 1, 1)}
    timestamping = log.timestamping(authority, last_tokens=last)
    assert timestamping.status()[0].last_index == 1
    log.append()
    assert not timestamping.ask_if_due(authority)
    log.later(30)
    assert timestamping.ask_if_due(authority)


def test_a_failure_is_shown_and_tried_again_later_and_later(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    authority = failing()
    timestamping = log.timestamping(authority)
    tried = []
    for second in range(100):
        before = timestamping.status()[0].failures
        timestamping.ask_if_due(authority)
        if timestamping.status()[0].failures > before:
            tried.append(second)
        log.later(1)
    assert tried == [0, 5, 15, 35, 75]
    status = timestamping.status()[0]
    assert status.last_error == "http://tsa.example/: asking: expected an answer, got none"
    assert status.last_error_ms == START + 75_000
    assert status.last_success_ms is None
    assert len([line for line in caplog.records if line.levelno == logging.WARNING]) == 5
    assert log.tokens == []


def test_after_an_outage_all_is_well_again(log: Log) -> None:
    broken = [True]
    inner = development(log)

    def ask(data: bytes) -> tuple[bytes, TimestampInfo]:
        return failing().ask(data) if broken[0] else inner.ask(data)

    authority = Authority("flaky", ask)
    timestamping = log.timestamping(authority)
    timestamping.ask_if_due(authority)
    broken[0] = False
    log.later(5)
    assert timestamping.ask_if_due(authority)
    status = timestamping.status()[0]
    assert status.failures == 0
    assert status.last_error is not None
    assert status.last_success_ms == START + 5000


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError(), OSError("disk")])
def test_not_even_a_bug_ends_the_asking(error: Exception, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    authority = failing(error=error)
    timestamping = log.timestamping(authority)
    assert not timestamping.ask_if_due(authority)
    assert timestamping.status()[0].last_error
    assert caplog.records[0].exc_info  # a bug is logged with its trace, an outage without


def test_a_log_that_is_full_is_a_failure_like_any_other(log: Log) -> None:
    authority = development(log)
    timestamping = log.timestamping(authority)
    log.full = True
    assert not timestamping.ask_if_due(authority)
    assert "room" in (timestamping.status()[0].last_error or "")
    log.full = False
    log.later(5)
    assert timestamping.ask_if_due(authority)


@pytest.mark.parametrize("direction", [-1, 1])
def test_an_operator_whose_clock_is_wrong_still_gets_its_log_dated(direction: int, log: Log) -> None:
    """The authority's time is what counts: an operator cannot keep the log undated by setting a clock wrong."""

    def shifted(by_ms: int) -> Authority:
        return Authority("shifted", DevelopmentAuthority(MATERIAL, lambda: log.now_ms + by_ms).stamp)

    week = 7 * 24 * 3600 * 1000
    log.later(2 * week // 1000)  # the authority's certificate is older than any time it may tell
    timestamping = log.timestamping(shifted(direction * week))
    assert timestamping.ask_if_due(shifted(direction * week))
    assert len(log.tokens) == 1
    difference = timestamping.status()[0].clock_difference_ms
    assert difference is not None
    # genTime is ± its accuracy of 1 s.
    assert abs(difference - direction * week) <= 2000
    honest = log.timestamping(shifted(0))
    assert honest.ask_if_due(shifted(0))
    assert honest.status()[0].clock_difference_ms == 0


def test_a_certificate_that_ends_within_a_year_is_shown(log: Log) -> None:
    inner = development(log)

    def ask(data: bytes) -> tuple[bytes, TimestampInfo]:
        return inner.ask(data)

    authority = Authority("old", ask)
    timestamping = log.timestamping(authority)
    timestamping.ask_if_due(authority)
    ends = timestamping.status()[0].signer_ends_ms
    assert ends is not None
    log.now_ms = ends - 366 * 24 * 3600 * 1000
    assert not timestamping.status()[0].signer_ends_soon
    log.now_ms = ends - 364 * 24 * 3600 * 1000
    assert timestamping.status()[0].signer_ends_soon


def test_settings_that_cannot_work_are_refused(log: Log) -> None:
    with pytest.raises(ConfigError, match="twice"):
        log.timestamping(development(log), development(log))
    for wrong in ({"interval": 0}, {"idle_interval": -1}):
        with pytest.raises(ConfigError, match="interval"):
            log.timestamping(development(log), **wrong)


# --- the threads ---


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


@pytest.fixture
def stopping() -> Iterator[list[Timestamping]]:
    started: list[Timestamping] = []
    yield started
    for each in started:
        each.stop()


def test_a_hanging_authority_holds_neither_the_others_nor_the_stop(log: Log, stopping: list[Timestamping]) -> None:
    released = threading.Event()
    inner = development(log, "hanging")

    def hang(data: bytes) -> tuple[bytes, TimestampInfo]:
        released.wait(30)
        return inner.ask(data)

    timestamping = log.timestamping(Authority("hanging", hang), failing(), development(log))
    stopping.append(timestamping)
    timestamping.start()
    until(lambda: bool(log.tokens))
    began = time.monotonic()
    timestamping.stop()
    assert time.monotonic() - began < 1.5
    recorded = list(log.tokens)
    assert [name for name, _, _ in recorded] == ["development"]
    released.set()
    until(lambda: not any(thread.name == "timestamps-hanging" for thread in threading.enumerate()))
    assert log.tokens == recorded  # what it said after the stop is dropped


def test_stop_waits_for_a_token_that_is_just_being_appended(log: Log, stopping: list[Timestamping]) -> None:
    recording, finish = threading.Event(), threading.Event()

    def record(authority: str, stamped: str, token: bytes) -> int:
        recording.set()
        finish.wait(30)
        return log.record(authority, stamped, token)

    timestamping = Timestamping(
        [development(log)],
        newest_checkpoint=log.newest_checkpoint,
        entries_since=log.entries_since,
        record=record,
        clock=log.clock,
    )
    stopping.append(timestamping)
    timestamping.start()
    assert recording.wait(20)
    threading.Timer(0.3, finish.set).start()
    timestamping.stop()
    assert len(log.tokens) == 1


def test_it_starts_once_and_not_after_a_stop(log: Log) -> None:
    timestamping = log.timestamping(development(log))
    timestamping.start()
    with pytest.raises(ConfigError, match="second start"):
        timestamping.start()
    timestamping.stop()
    timestamping.stop()
    assert not any(thread.name == "timestamps-development" for thread in threading.enumerate())
    with pytest.raises(ConfigError, match="second start"):
        timestamping.start()


def test_two_independent_authorities_stamp_and_one_may_lie(
    log: Log, tmp_path: Path, stopping: list[Timestamping]
) -> None:
    with OpensslAuthority(tmp_path / "a", name="A") as one, OpensslAuthority(tmp_path / "b", name="B") as two:
        two.lie = "nonce"

        def over_http(name: str, at: OpensslAuthority) -> Authority:
            return Authority(name, lambda data: request_timestamp(at.url, data, at.anchors))

        timestamping = Timestamping(
            [over_http("a", one), over_http("b", two)],
            newest_checkpoint=log.newest_checkpoint,
            entries_since=log.entries_since,
            record=log.record,
            clock=lambda: time.time_ns() // 1_000_000,
        )
        stopping.append(timestamping)
        timestamping.start()
        until(lambda: bool(log.tokens) and timestamping.status()[1].failures == 1)
        honest, lying = timestamping.status()
        assert honest.last_error is None
        assert "nonce" in (lying.last_error or "")
        assert [name for name, _, _ in log.tokens] == ["a"]
        one.verify(log.tokens[0][2], log.tokens[0][1].encode())
        timestamping.stop()
