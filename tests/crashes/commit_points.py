"""The named points of the way from a request to its answer, and how a process is made to die there.

A point is the entry or the exit of a function of the program. Nothing in the program knows of it: whoever wants to die
there wraps the function in his own process. A point that is renamed away is an AttributeError; one that is never come
to leaves its process alive until an alarm ends it, which the test takes for the failure it is, and another test has all
of them come to in one process that lives.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any, Literal

REACHED_SECONDS = 60  # on a loaded machine; a point that is come to takes milliseconds

Moment = Literal["before", "after"]


@dataclass(frozen=True)
class Point:
    """`where`: module:name of the function. `within`: only while this one runs in the same thread. `turns`: how many of
    its calls one commit makes, each of which is tried. `start`: it is reached while the process starts.
    """

    name: str
    where: str
    within: str = ""
    turns: int = 1
    start: bool = False
    sqlite_only: bool = False

    def __str__(self) -> str:
        return self.name


_BATCH = "ledger.commit.sequencer:commit_batch"
_APPEND = "ledger.store.sql_writer:SqlWriter.append"
_PROJECT = "ledger.store.sql_writer:SqlWriter.project"
_COMMIT = "sqlalchemy.engine.default:DefaultDialect.do_commit"
_SAVE = "ledger.store.sql_store:SqlStore.save_checkpoint"
_ADVANCE = "ledger.commit.kept_checkpoint:KeptCheckpoint.advance"
_FILE = "ledger.blobs.durable_file:TemporaryFile."
_RECOVER = "ledger.commit.sequencer:recover"

POINTS = (
    # A file on its way.
    Point("a file is written", _FILE + "write"),
    Point("a file is synced", _FILE + "sync"),
    Point("a blob's directories are made", "ledger.blobs.directory_blobs:make_directory_durably", turns=2),
    Point("a file gets its name", "os:link"),
    Point("a blob's directory is synced", "ledger.blobs.directory_blobs:sync_directory"),
    Point("a file's temporary name goes", "os:unlink"),
    Point("a blob is kept", "ledger.blobs.directory_blobs:DirectoryBlobs.keep"),
    # One transaction.
    Point("a batch", _BATCH, turns=3),
    Point("the head is locked", "ledger.store.sql_writer:SqlWriter.lock_head", turns=2),
    Point("repetitions are looked up", "ledger.commit.placing:Placing.look_up"),
    Point("entries and openings go in", "ledger.store.sql_writer:insert_rows", within=_APPEND, turns=3),
    Point("entries, openings, tiles, chains", _APPEND),
    Point("rows for people go in", _PROJECT),
    Point("answered keys go in", "ledger.store.sql_writer:insert_rows", within=_PROJECT),
    Point("the head moves", "ledger.store.sql_writer:SqlWriter.move_head", turns=2),
    Point("the batch is committed", _COMMIT, within=_BATCH, turns=3),
    # Its seal.
    Point("a seal", "ledger.commit.signer:CheckpointSigner.seal", turns=2),
    Point("its entries are proven", "ledger.commit.batch_proofs:path_texts"),
    Point("the checkpoint is signed", "ledger.commit.signer:sign_checkpoint"),
    Point("the checkpoint is kept", _ADVANCE, turns=2),
    Point("the kept checkpoint is written", "os:pwrite", within=_ADVANCE),
    Point("the kept checkpoint is flushed", "ledger.commit.kept_checkpoint:sync_descriptor"),
    Point("the checkpoint is stored", _SAVE, turns=2),
    Point("the stored checkpoint is committed", "ledger.store.checkpoint_rows:_commit"),
    Point("who waits is answered", "ledger.commit.sequencer:_answer_all", turns=2),
    Point("a receipt is made", "ledger.submit.anchor_flow:fill_frame", turns=2),
    # The start after all this.
    Point("one writer alone", "ledger.assembly:WriterLock", start=True, sqlite_only=True),
    Point("recovery", _RECOVER, start=True),
    Point("the right edge is checked", "ledger.commit.recovery:check_edge", start=True),
    Point("the kept checkpoint is read", "ledger.commit.kept_checkpoint:KeptCheckpoint.read", start=True),
    Point("the log is held against it", "ledger.commit.recovery:check_against", start=True),
    Point("recovery signs or publishes", "ledger.commit.recovery:_sign", start=True),
    Point("what was left unfinished is finished", "ledger.upkeep.erase:Erasing.finish_all", start=True),
    # Beside the flow.
    Point("a timestamp is recorded", "ledger.workers:record_token"),
)


def by_name(name: str) -> Point:
    return next(point for point in POINTS if point.name == name)


def arm(point: Point, moment: Moment, turn: int) -> None:
    """From now on, this process dies before or after the given call (1: the next) of the point's function."""
    inside = _Inside(point.within)
    turns, lock = count(1), threading.Lock()

    def guard(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def dying(*args: Any, **options: Any) -> Any:
            with lock:
                now = inside.here and next(turns) == turn
            if now and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **options)
            if now:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return dying

    _replace(point.where, guard)


def watch(points: Sequence[Point]) -> Callable[[], list[str]]:
    """From now on, count the calls of all these points. Gives the names of those not come to as often as they say."""
    calls: Counter[str] = Counter()

    def watched(point: Point) -> None:
        inside = _Inside(point.within)

        def guard(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def counting(*args: Any, **options: Any) -> Any:
                calls[point.name] += inside.here
                return function(*args, **options)

            return counting

        _replace(point.where, guard)

    for each in points:
        watched(each)
    return lambda: [point.name for point in points if calls[point.name] < point.turns]


class _Inside:
    """Whether this thread is in a call of a function, which is wrapped to know it. Without one: always."""

    def __init__(self, where: str) -> None:
        self._always = not where
        self._thread = threading.local()
        if where:
            _replace(where, self._wrap)

    @property
    def here(self) -> bool:
        return self._always or getattr(self._thread, "inside", False)

    def _wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def within(*args: Any, **options: Any) -> Any:
            self._thread.inside = True
            try:
                return function(*args, **options)
            finally:
                self._thread.inside = False

        return within


def _replace(where: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    module, _, name = where.partition(":")
    owner: Any = importlib.import_module(module)
    *owners, last = name.split(".")
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, last, wrap(getattr(owner, last)))
