"""The store, measured: how long a transaction takes that holds the head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from sqlalchemy import Engine

from ledger.metrics import Figures
from ledger.store.contracts import LogWriter
from ledger.store.sql_store import SqlStore


class MeasuredStore(SqlStore):
    """A store that tells how long its commits take, once it is told where: only those that happened count."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.figures = Figures()

    @contextmanager
    def writing(self) -> Iterator[LogWriter]:
        begun = perf_counter()
        with super().writing() as writer:
            yield writer
        self.figures.commit_seconds.observe(perf_counter() - begun)
