"""The writer under faults: it never guesses, never doubles, and comes back by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ledger.commit import sequencer as room
from ledger.commit.prepared import new_chain
from ledger.errors import RolledBackError, SignatureError, UnavailableError
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.contracts import AmbiguousCommitError
from ledger.store.log_rows import Head
from ledger.store.row_insert import COPY_ROWS
from ledger.store.sql_writer import SqlWriter
from tests.ledger.commit.rig import CASE, Rig, keyed
from tests.ledger.making import Attacker, make_log, note_entry


def test_an_answer_means_signed_kept_and_served(rig: Rig) -> None:
    for count in (1, 3, 260):
        (*_, last) = rig.writer.append([note_entry(CASE) for _ in range(count)])
        kept = rig.signer.kept.read()
        assert kept is not None
        assert parse_checkpoint(parse_note(kept).text).size == last.index + 1
        assert rig.signer.check(kept).root == rig.store.head().root
        served = rig.store.published()
        assert served is not None and served[0] == last.index + 1
    rig.check(264)


@pytest.mark.parametrize("when", ["applied", "lost"])
def test_an_ambiguous_commit_is_not_guessed_at(rig: Rig, when: str) -> None:
    rig.writer.append([keyed("before")])
    rig.faulty.faults["writing"] = (when, AmbiguousCommitError("commit the batch: the database did not confirm it"))
    with pytest.raises(
        UnavailableError, match=r"outcome is not known.*repeat it with the same Idempotency-Key"
    ) as told:
        rig.writer.append([keyed("k")])
    assert told.value.retry_after > 0
    rig.settle()
    (again,) = rig.writer.append([keyed("k")])
    assert (again.index, again.replayed) == (2, when == "applied")
    assert rig.writer.append([keyed("k")])[0].index == 2
    rig.check(2)


@pytest.mark.parametrize("call", ["save_checkpoint", "writing"])
@pytest.mark.parametrize("when", ["applied", "lost"])
def test_every_write_may_fail_in_two_ways(rig: Rig, call: str, when: str) -> None:
    rig.faulty.faults[call] = (when, UnavailableError(f"{call}: the database failed"))
    with pytest.raises(UnavailableError):
        rig.writer.append([keyed("k")])
    rig.settle()
    (again,) = rig.writer.append([keyed("k")])
    assert again.index == 1
    rig.faulty.faults.clear()
    rig.check(1)


def test_a_fault_of_our_own_stops_the_writer_and_not_for_ever(rig: Rig) -> None:
    rig.faulty.faults["writing"] = ("lost", RuntimeError("a bug"))
    with pytest.raises(UnavailableError, match="RuntimeError"):
        rig.writer.append([keyed("k")])
    rig.settle()
    assert rig.writer.append([keyed("k")])[0].index == 1
    rig.check(1)


def test_a_fault_while_recovering_does_not_end_the_writer(rig: Rig) -> None:
    rig.faulty.faults["writing"] = ("applied", AmbiguousCommitError("no answer"))
    rig.faulty.faults["last_index"] = ("lost", RuntimeError("a bug, too"))
    with pytest.raises(UnavailableError):
        rig.writer.append([keyed("k")])
    rig.settle()
    assert rig.writer.append([keyed("k")])[0].replayed
    rig.check(1)


def test_a_standing_writer_refuses_at_once_and_says_why(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.store, "head", refuse := _refusing("the disk is gone"))
    rig.faulty.faults["writing"] = ("lost", UnavailableError("write to the log: the disk is gone"))
    with pytest.raises(UnavailableError):
        rig.writer.append([keyed("k")])
    with pytest.raises(UnavailableError, match="the writer is recovering: read the head: the disk is gone"):
        _until(lambda: refuse.calls > 1) or rig.writer.append([keyed("k")])
    monkeypatch.undo()
    rig.settle()
    assert rig.writer.append([keyed("k")])[0].index == 1
    rig.check(1)


def test_closing_while_it_cannot_recover_writes_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited behind the failed batch is refused, not committed by a writer that does not know where it stands."""
    before = rig.store.head()
    entered, release = threading.Event(), threading.Event()
    commit = room.commit_batch

    def slow(*args: Any) -> Any:
        entered.set()
        release.wait(5)
        monkeypatch.setattr(room, "commit_batch", commit)
        raise UnavailableError("write to the log: the disk is gone")

    monkeypatch.setattr(room, "commit_batch", slow)
    monkeypatch.setattr(rig.store, "head", _refusing("the disk is gone"))
    first = rig.writer.put([keyed("a")])
    assert entered.wait(5)
    second = rig.writer.put([keyed("b")])
    release.set()
    rig.writer.close()
    for future in (first, second):
        with pytest.raises(UnavailableError, match="Idempotency-Key"):
            future.result(5)
    monkeypatch.undo()
    assert rig.store.head() == before


def test_beyond_the_pool_clients_are_told_to_come_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    commit = room.commit_batch
    monkeypatch.setattr(room, "commit_batch", lambda *args: release.wait(5) and commit(*args))
    futures = [rig.writer.put([keyed("first")])]
    _until(lambda: rig.writer.waiting == 0)
    futures += [rig.writer.put([note_entry(CASE) for _ in range(50)]) for _ in range(2)]
    with pytest.raises(UnavailableError, match="100 entries are waiting already"):
        rig.writer.append([keyed("too many")])
    release.set()
    assert sum(len(future.result(10)) for future in futures) == 101
    rig.writer.append([keyed("too many")])
    rig.check(102)


def test_closing_finishes_what_waits(rig: Rig) -> None:
    futures = [rig.writer.put([keyed(f"k{n}")]) for n in range(40)]
    rig.writer.close()
    assert sorted(future.result(0)[0].index for future in futures) == list(range(1, 41))
    with pytest.raises(UnavailableError, match="closing"):
        rig.writer.append([keyed("late")])
    rig.check(40)


def test_chains_have_no_gap_under_sixteen_threads(rig: Rig) -> None:
    chains = [new_chain() for _ in range(5)]

    def work(n: int) -> list[tuple[str, int, int]]:
        placed = []
        for turn in range(6):
            chain = chains[(n + turn) % 5]
            entries = [note_entry(chain) for _ in range(1 + n % 2)]
            placed += [(chain, each.seq, each.index) for each in rig.writer.append(entries)]
        return placed

    with ThreadPoolExecutor(16) as pool:
        placed = [each for found in pool.map(work, range(16)) for each in found]
    assert sorted(index for _, _, index in placed) == list(range(1, 145))
    for chain in chains:
        in_order = sorted((index, seq) for name, seq, index in placed if name == chain)
        assert [seq for _, seq in in_order] == list(range(len(in_order)))
    rig.check(144)


# --- a head is signed while it is being committed ------------------------------------------------------------------


class Signing:
    """Every note that the signer makes, and every one that it lets out of the process."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[bytes] = []
        self.kept: list[bytes] = []
        sign, advance = rig.signer.sign, rig.signer.kept.advance

        def signing(head: Head) -> bytes:
            self.made.append(sign(head))
            return self.made[-1]

        def advancing(note: bytes) -> None:
            self.kept.append(note)
            advance(note)

        monkeypatch.setattr(rig.signer, "sign", signing)
        monkeypatch.setattr(rig.signer.kept, "advance", advancing)


def test_what_was_signed_for_a_commit_that_failed_never_leaves(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    signing = Signing(rig, monkeypatch)
    rig.faulty.faults["writing"] = ("lost", UnavailableError("write to the log: the disk is gone"))
    with pytest.raises(UnavailableError, match="Idempotency-Key"):
        rig.writer.append([keyed("a")])
    rig.settle()
    [lost] = signing.made
    assert parse_checkpoint(parse_note(lost).text).size == 2
    assert {parse_checkpoint(parse_note(note).text).size for note in signing.kept} <= {1}  # recovery keeps what stands
    rig.writer.append([keyed("b")])
    kept = signing.kept[-1]
    assert lost not in signing.kept
    signed, dropped = (parse_checkpoint(parse_note(note).text) for note in (kept, lost))
    assert signed.size == dropped.size and signed.root != dropped.root
    rig.check(1)


def test_a_head_is_signed_before_its_commit_and_kept_after_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []
    sign, advance, signed = rig.signer.sign, rig.signer.kept.advance, threading.Event()

    def signing(head: Head) -> bytes:
        seen.append(("signed", rig.store.head().size))
        signed.set()
        return sign(head)

    def advancing(note: bytes) -> None:
        seen.append(("kept", rig.store.head().size))
        advance(note)

    append = SqlWriter.append

    def appending(writer: SqlWriter, *rows: Any) -> None:
        assert signed.wait(10)
        append(writer, *rows)

    monkeypatch.setattr(rig.signer, "sign", signing)
    monkeypatch.setattr(rig.signer.kept, "advance", advancing)
    monkeypatch.setattr(SqlWriter, "append", appending)
    rig.writer.append([keyed("a")])
    assert seen == [("signed", 1), ("kept", 2)]


def test_a_signature_that_fails_is_recovered_from(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = rig.signer.sign
    failing = iter([SignatureError("sign a checkpoint: the signed note says something else than the head")])

    def signing(head: Head) -> bytes:
        for error in failing:
            raise error
        return sign(head)

    monkeypatch.setattr(rig.signer, "sign", signing)
    with pytest.raises(UnavailableError, match="Idempotency-Key"):
        rig.writer.append([keyed("a")])
    rig.settle()
    again = rig.writer.append([keyed("a")])[0]
    assert (again.index, again.replayed) == (1, True)  # it was committed; recovery signed it
    rig.check(1)


def test_a_note_of_another_head_is_not_let_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    signing = Signing(rig, monkeypatch)
    head = rig.store.head()
    other = rig.signer.sign(Head(head.size, bytes(32), head.frontier))
    with pytest.raises(SignatureError, match="something else"):
        rig.signer.seal(rig.store, head, other)
    assert signing.kept == []
    assert rig.signer.seal(rig.store, head, rig.signer.sign(head)) == rig.store.published()[1]  # type: ignore[index]


# --- the next batch is committed while one is sealed ---------------------------------------------------------------


class Overlap:
    """Two batches: the second is committed while the seal of the first stands still."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig = rig
        self.go_on = threading.Event()
        self.fails: Exception | None = None
        self.seals: list[int] = []
        commit, together = room.commit_batch, threading.Event()

        def commit_once_both_are_there(*args: Any) -> Any:
            together.wait(10)
            return commit(*args)

        monkeypatch.setattr(room, "commit_batch", commit_once_both_are_there)
        monkeypatch.setattr(rig.faulty, "save_checkpoint", self.save, raising=False)
        self.first = rig.writer.put([keyed("a")])
        _until(lambda: rig.writer.waiting == 0)
        self.second = rig.writer.put([keyed("b")])
        together.set()

    def save(self, size: int, note: bytes) -> bytes:
        self.seals.append(size)
        if size == 2:
            assert self.go_on.wait(10)
            if self.fails is not None:
                error, self.fails = self.fails, None
                raise error
        return self.rig.store.save_checkpoint(size, note)


@pytest.fixture
def overlap(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Overlap:
    return Overlap(rig, monkeypatch)


def test_a_batch_is_committed_while_the_one_before_is_sealed(overlap: Overlap) -> None:
    rig = overlap.rig
    _until(lambda: rig.store.head().size == 3)
    served = rig.store.published()
    assert served is not None and served[0] == 1
    assert not overlap.first.done() and not overlap.second.done()  # committed is not answered
    overlap.go_on.set()
    assert [each.result(10)[0].index for each in (overlap.first, overlap.second)] == [1, 2]
    assert overlap.seals == [2, 3]
    rig.check(2)


def test_a_failed_seal_takes_the_batch_behind_it_along_and_nothing_is_lost(overlap: Overlap) -> None:
    rig = overlap.rig
    _until(lambda: rig.store.head().size == 3)
    overlap.fails = UnavailableError("keep a checkpoint: the database failed")
    overlap.go_on.set()
    for future in (overlap.first, overlap.second):
        with pytest.raises(UnavailableError, match=r"outcome is not known.*repeat it with the same Idempotency-Key"):
            future.result(10)
    rig.settle()
    assert overlap.seals == [2, 3]  # recovery sealed the head, which holds both
    again = [rig.writer.append([keyed(key)])[0] for key in "ab"]
    assert [(each.index, each.replayed) for each in again] == [(1, True), (2, True)]
    rig.check(2)


def test_a_failed_seal_is_recovered_from_though_nobody_else_comes(
    overlap: Overlap, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = overlap.rig
    monkeypatch.setattr(room, "commit_batch", _refusing("the disk is gone"))
    overlap.fails = UnavailableError("keep a checkpoint: the database failed")
    overlap.go_on.set()
    for future in (overlap.first, overlap.second):
        with pytest.raises(UnavailableError, match="outcome is not known"):
            future.result(10)
    _until(lambda: overlap.rig.writer.trouble is None)
    served = rig.store.published()
    assert served is not None and served[0] == rig.store.head().size


def test_a_commit_that_fails_beside_a_seal_leaves_the_sealed_answered(
    overlap: Overlap, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = overlap.rig
    _until(lambda: rig.store.head().size == 3)
    third = rig.writer.put([keyed("c")])
    rig.faulty.faults["writing"] = ("lost", UnavailableError("write to the log: the disk is gone"))
    overlap.go_on.set()
    assert [each.result(10)[0].index for each in (overlap.first, overlap.second)] == [1, 2]
    with pytest.raises(UnavailableError, match="outcome is not known"):
        third.result(10)
    rig.settle()
    assert rig.writer.append([keyed("c")])[0].index == 3
    rig.check(3)


def test_a_repetition_of_what_is_being_sealed_is_answered_after_it(overlap: Overlap) -> None:
    rig = overlap.rig
    _until(lambda: rig.store.head().size == 3)
    again = rig.writer.put([keyed("a")])
    time.sleep(0.05)
    assert not again.done()
    overlap.go_on.set()
    assert (again.result(10)[0].index, again.result(10)[0].replayed) == (1, True)
    rig.check(2)


def test_closing_waits_for_the_seal_under_way(overlap: Overlap) -> None:
    rig = overlap.rig
    _until(lambda: rig.store.head().size == 3)
    closing = threading.Thread(target=rig.writer.close)
    closing.start()
    overlap.go_on.set()
    closing.join(10)
    assert [each.result(0)[0].index for each in (overlap.first, overlap.second)] == [1, 2]
    rig.check(2)


def test_a_database_rolled_back_under_a_running_writer_is_not_continued(rig: Rig) -> None:
    before = rig.store.head()
    rig.writer.append([note_entry(CASE) for _ in range(3)])
    with Attacker(rig.settings.database) as attacker:
        attacker.drop_triggers()
        attacker.execute("DELETE FROM entries WHERE idx > 0")
        values = {"root": before.root, "frontier": before.frontier}
        attacker.execute("UPDATE log_head SET size = 1, root = :root, frontier = :frontier", values)
    with pytest.raises(UnavailableError, match="rolled back or forked"):
        rig.writer.append([keyed("k")])
    _until(lambda: isinstance(rig.writer.trouble, RolledBackError) and bool(rig.writer.trouble.evidence))
    with pytest.raises(UnavailableError, match="the writer is recovering"):
        rig.writer.append([keyed("k")])
    kept = rig.signer.kept.read()
    assert kept is not None and parse_checkpoint(parse_note(kept).text).size == 4
    assert rig.store.head() == before  # nothing was appended to the shortened log


# --- a real database that dies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["commit", "insert", "copy", "checkpoint"])
def test_a_killed_postgresql_backend_loses_and_doubles_nothing(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(room, "RECOVERY_SECONDS", 0.02)
    rig = Rig(make_log(tmp_path / "data", postgres_url))
    rig.writer.append([keyed("before")])
    kills: list[int] = []

    def kill(connection: Any) -> None:
        if not kills:
            kills.append(connection.connection.dbapi_connection.info.backend_pid)
            host, name = postgres_url.partition("?host=")[2], postgres_url.partition("@/")[2].partition("?")[0]
            with psycopg.connect(f"host={host} user=postgres dbname={name}", autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", kills)
            time.sleep(0.05)

    if moment == "commit":
        event.listen(rig.store.engine, "commit", kill)
    else:
        when, statement = {
            "insert": ("before", "INSERT INTO entries"),
            "copy": ("after", "SELECT chain, length"),  # the last before a batch of many rows is copied in
            "checkpoint": ("before", "INSERT INTO published"),
        }[moment]

        def at(connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
            if sql.startswith(statement):
                kill(connection)

        event.listen(rig.store.engine, f"{when}_cursor_execute", at)
    submission = [keyed(f"k{n}") for n in range(COPY_ROWS if moment == "copy" else 1)]
    with pytest.raises(UnavailableError, match="the outcome is not known"):
        rig.writer.append(submission)
    assert kills
    rig.settle()
    again = rig.writer.append(submission)
    assert [(each.index, each.replayed) for each in again] == [
        (2 + n, moment == "checkpoint") for n in range(len(submission))
    ]
    rig.check(1 + len(submission))
    rig.close()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


class _refusing:
    def __init__(self, why: str) -> None:
        self.why = why
        self.calls = 0

    def __call__(self, *_: object) -> Any:
        self.calls += 1
        raise UnavailableError(f"read the head: {self.why}")
