"""The writer of a log that is closed: it writes nothing, checks nothing, and says so to whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from ledger.commit.batch import Sequenced
from ledger.commit.prepared import Prepared
from ledger.commit.sequencer import Sequencer
from ledger.errors import ConflictError


class ClosedSequencer(Sequencer):
    """Appends nothing and signs nothing: entries that people hold receipts for are missing, and whatever the keys said
    of their places now would be a fork. Recovery does not run either: it would refuse the database, rightly, as older
    than the kept checkpoint.
    """

    def start(self, accept: bytes | None = None) -> None:
        """Nothing starts."""

    def put(self, submission: Sequence[Prepared]) -> Future[list[Sequenced]]:
        """Raises ConflictError."""
        raise ConflictError("append to the log: it is closed and only read any more; a successor goes on")
