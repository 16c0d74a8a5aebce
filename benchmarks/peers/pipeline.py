"""Our side of appending in-process: submissions under way at once, as many as keep the writer busy."""

from __future__ import annotations

import marshal
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Final

from benchmarks.comparison import Figures
from benchmarks.logs import ACCOUNT, OpenLog, prepare_entries
from ledger.commit.batch import Sequenced
from ledger.commit.prepared import Prepared, RowKind, new_chain, pack, unpack
from ledger.entry.commitment import Commitment
from ledger.submit.batch_lines import MARSHAL_VERSION
from ledger.submit.cores import Cores

BATCH: Final = 1_000

PIPELINED: Final = 8
"""Submissions under way at once: the pool never runs dry, and never refuses."""

RATE: Final = "entries/s"


class Appending:
    """The ledger's side: submissions of `BATCH` entries, pipelined; each is answered from a signed, kept checkpoint."""

    def __init__(
        self,
        log: OpenLog,
        batches: int,
        prepare: Callable[[str], list[Prepared]],
        *,
        before: bool,
        preparing: int = 0,
    ) -> None:
        """`before`: what is appended was prepared outside of the time. `preparing`: threads that prepare, as requests
        of so many clients do; 0: who submits prepares.
        """
        self._log = log
        self._chain = new_chain()
        self._batches = batches
        self._prepare = prepare
        self._before = before
        self._preparing = preparing

    def run(self) -> Figures:
        """Append all batches."""
        batches: Iterable[list[Prepared]] = (self._prepare(self._chain) for _ in range(self._batches))
        if self._before:
            batches = list(batches)
        begun = time.perf_counter()
        if self._preparing:
            with ThreadPoolExecutor(self._preparing) as threads:
                self._append(self._prepared_by(threads))
        else:
            self._append(batches)
        return {RATE: self._batches * BATCH / (time.perf_counter() - begun)}

    def _append(self, batches: Iterable[list[Prepared]]) -> None:
        waiting: deque[Future[list[Sequenced]]] = deque()
        for batch in batches:
            waiting.append(self._log.sequencer.put(batch))
            if len(waiting) == PIPELINED:
                waiting.popleft().result()
        for future in waiting:
            future.result()

    def _prepared_by(self, threads: Executor) -> Iterator[list[Prepared]]:
        """All batches, each asked for while those before it are appended."""
        asked: deque[Future[list[Prepared]]] = deque()
        for _ in range(self._batches):
            asked.append(threads.submit(self._prepare, self._chain))
            if len(asked) == PIPELINED:
                yield asked.popleft().result()
        while asked:
            yield asked.popleft().result()


def prepare_leaves(chain: str) -> list[Prepared]:
    """Entries of which the log keeps the leaf alone, as long as one with a commitment (293 bytes): a public object."""
    return [Prepared(chain, "benchmark.recorded", public={"root": secrets.token_hex(32), "count": 6})
            for _ in range(BATCH)]  # fmt: skip


def prepare_commitments(chain: str) -> list[Prepared]:
    """Entries of a case whose commitments nobody can open: for logs of which the public part alone is read."""
    return [Prepared(chain, "evidence.anchored", Commitment(secrets.token_bytes(32), 6), bytes(32), b"{}")
            for _ in range(BATCH)]  # fmt: skip


def prepare_fields(chain: str) -> list[Prepared]:
    """Entries with six fields each: salts drawn, commitments made, openings and the row for look-ups to be kept."""
    return prepare_entries(chain, BATCH)


def prepare_on(cores: Cores) -> Callable[[str], list[Prepared]]:
    """`prepare_fields` by the processes that the ledger prepares large batches with."""

    def prepare(chain: str) -> list[Prepared]:
        ((packed, kinds),) = cores.map(prepare_piece, [(chain, BATCH)])
        made = marshal.loads(packed)  # noqa: S302  (what our own process wrote)
        return [unpack(each, chain, "evidence.anchored", ACCOUNT, kinds) for each in made]

    return prepare


def prepare_piece(piece: tuple[str, int]) -> tuple[bytes, list[RowKind]]:
    """What one process does; its answer travels as ledger.submit.batch_lines sends it."""
    kinds: list[RowKind] = []
    return marshal.dumps([pack(each, kinds) for each in prepare_entries(*piece)], MARSHAL_VERSION), kinds
