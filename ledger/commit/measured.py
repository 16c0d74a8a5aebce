"""The writer's parts, measured: how many entries it takes at once, how long signing and sealing take."""

from __future__ import annotations

from typing import Any

from ledger.commit.pool import Pool, Waiting
from ledger.commit.signer import CheckpointSigner
from ledger.metrics import Figures
from ledger.note.checkpoint import Checkpoint
from ledger.store.contracts import LogStore
from ledger.store.log_rows import Head


class MeasuredPool(Pool):
    """A pool that tells what is taken from it."""

    def __init__(self, figures: Figures) -> None:
        super().__init__()
        self._figures = figures

    def take(self) -> list[Waiting] | None:
        taken = super().take()
        if taken:
            self._figures.batch_entries.observe(sum(len(each.submission) for each in taken))
        return taken


class MeasuredSigner(CheckpointSigner):
    """A signer that tells how long it takes."""

    def __init__(self, *parts: Any, figures: Figures) -> None:
        """`parts`: CheckpointSigner's own."""
        super().__init__(*parts)
        self._figures = figures

    def seal(self, store: LogStore, head: Head, signed: bytes | None = None) -> bytes:
        with self._figures.seal_seconds.time():
            return super().seal(store, head, signed)

    def _sign(self, checkpoint: Checkpoint) -> bytes:
        with self._figures.sign_seconds.time():
            return super()._sign(checkpoint)
