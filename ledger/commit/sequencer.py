"""The one writer of this process: takes what waits, commits it, signs the head, answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

from ledger.clock import Clock
from ledger.commit.batch import Outcome, Sequenced, commit_batch
from ledger.commit.batch_proofs import BatchProofs
from ledger.commit.patience import outcome_of
from ledger.commit.pool import Pool, Waiting
from ledger.commit.prepared import Prepared
from ledger.commit.recovery import recover
from ledger.commit.signer import CheckpointSigner
from ledger.errors import LedgerError, UnavailableError
from ledger.merkle.open_tiles import OpenTiles
from ledger.store.contracts import LogStore
from ledger.store.log_rows import Head

_log = logging.getLogger(__name__)

# How long a caller waits for its outcome. The writer answers in milliseconds; a database that hangs longer is down.
ANSWER_SECONDS = 60.0

# How often the writer tries to come back after a failure whose outcome it does not know.
RECOVERY_SECONDS = 1.0


class _Ahead(NamedTuple):
    """What is made of a head before it is committed."""

    signing: Future[bytes]
    proofs: BatchProofs


class Sequencer:
    """Group commit without a linger timer: a batch is what arrived while the last one was being written. Its head is
    signed while it is being committed, its entries proven while it is being signed; while it is sealed, the next is
    committed already; each is answered once it is sealed.

    After any failure of a commit or a seal the writer forgets what it believed and runs recovery; it answers
    UnavailableError until that succeeds, and never guesses.
    """

    def __init__(
        self,
        store: LogStore,
        signer: CheckpointSigner,
        clock: Clock,
        pool: Pool | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._pool = Pool() if pool is None else pool  # an empty pool is falsy
        self._edge: OpenTiles | None = None
        self._trouble: LedgerError | None = None
        self._closing = Event()
        self._sealers = ThreadPoolExecutor(1, "sealer")
        self._sealing: Future[None] | None = None
        self._signers = ThreadPoolExecutor(1, "signer")
        self._ahead: _Ahead | None = None  # of the head that the commit under way will leave
        self._began: float | None = None  # when the commit under way was begun
        self._unsealed: list[Waiting] = []  # who waits for the seal under way
        self._thread = Thread(target=self._run, name="sequencer", daemon=True)

    def start(self, accept: bytes | None = None) -> None:
        """Recover, then start the writer. Raises what `recover` raises; nothing runs then."""
        self._recover(accept)
        self._thread.start()

    def close(self) -> None:
        """Take no more, finish what waits, stop the writer."""
        self._pool.close()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def edge(self) -> OpenTiles | None:
        """The right edge after this process's last commit, for provers; None while it is not known."""
        return self._edge

    @property
    def trouble(self) -> LedgerError | None:
        """Why the writer stands still, if it does."""
        return self._trouble

    @property
    def committing_seconds(self) -> float:
        """How long the commit under way has lasted, its seal included where nobody waits behind it; 0: none is."""
        began = self._began
        return 0.0 if began is None else monotonic() - began

    @property
    def waiting(self) -> int:
        """Entries in the pool."""
        return len(self._pool)

    def put(self, submission: Sequence[Prepared]) -> Future[list[Sequenced]]:
        """Queue entries that stand or fall together. Raises UnavailableError when the pool is full or the writer
        stands.
        """
        if self._trouble is not None:
            raise UnavailableError(f"append to the log: the writer is recovering: {self._trouble.what}", retry_after=2)
        return self._pool.put(submission)

    def append(self, submission: Sequence[Prepared]) -> list[Sequenced]:
        """Queue and wait until the entries stand in a signed, kept checkpoint.

        Raises the refusal of the submission; UnavailableError when its outcome is not known in time: repeat it with the
        same key, and it is answered without being doubled.
        """
        try:
            return outcome_of(lambda: self.put(submission), ANSWER_SECONDS)
        except TimeoutError as error:
            raise UnavailableError("append to the log: no answer from the database in time", retry_after=5) from error

    def _run(self) -> None:
        while (batch := self._pool.take()) is not None:
            if self._trouble is not None:  # closing before recovery succeeded: nothing may be written any more
                _refuse(batch, f"the ledger closed while the writer was recovering ({self._trouble.what})")
                continue
            try:
                self._began = monotonic()
                self._process(batch)
            except Exception as error:  # whatever it was: stop writing rather than guess at what was written
                self._stand_still(batch, _as_ledger_error(error))
            finally:
                self._began = None
        try:
            self._await_seal()
        except Exception as error:
            self._stand_still([], _as_ledger_error(error))  # it is closing: refused, and left to the next start
        self._sealers.shutdown()
        self._signers.shutdown()

    def _process(self, batch: list[Waiting]) -> None:
        """Commit a batch while the one before it is being sealed, then have it sealed and answered.

        At most one seal is under way, so kept and published checkpoints follow one another in the order of commits. It
        is done here where nobody waits, and elsewhere where the next batch can be committed meanwhile.
        """
        if self._sealing is not None and self._sealing.done():
            self._await_seal()  # if it failed, nothing more is written
        if not batch:
            return
        submissions = [waiting.submission for waiting in batch]
        before = self._edge
        self._ahead = None  # what was signed for a commit that failed is forgotten: it never left the process
        edge, outcomes = commit_batch(self._store, submissions, before, self._clock.now_ms(), self._sign_ahead)
        # A crash from here on: what was committed last is unsigned, and what the seal under way was about may be, too.
        # Nobody was told of either; recovery signs the head, which holds both.
        self._edge = edge
        self._await_seal()
        if before is not None and edge.size == before.size:
            _answer_all(batch, outcomes)
        elif len(self._pool) == 0:
            self._seal(edge, self._ahead, batch, outcomes)
        else:
            self._unsealed = batch
            self._sealing = self._sealers.submit(self._seal, edge, self._ahead, batch, outcomes)
            self._sealing.add_done_callback(self._wake_after_failure)

    def _sign_ahead(self, head: Head, proofs: BatchProofs) -> None:
        """Signing takes as long as committing, on another core: neither waits for the other."""
        self._ahead = _Ahead(self._signers.submit(self._signer.sign, head), proofs)

    def _seal(
        self,
        edge: OpenTiles,
        ahead: _Ahead | None,
        batch: Sequence[Waiting],
        outcomes: Sequence[Outcome],
    ) -> None:
        head = Head(edge.size, edge.frontier.root(), edge.frontier.to_bytes())
        if ahead is None:  # all that is new was appended by others, and they, or their recovery, answer for it
            self._signer.seal(self._store, head)
        else:
            ahead.proofs.make_ahead()  # what would wait for the signature anyway
            ahead.proofs.publish(self._signer.seal(self._store, head, ahead.signing.result()))
        _answer_all(batch, outcomes)

    def _await_seal(self) -> None:
        """Wait for the seal under way. Raises what it raised; who waits for it is then left in `_unsealed`."""
        if self._sealing is not None:
            sealing, self._sealing = self._sealing, None
            sealing.result()
            self._unsealed = []

    def _wake_after_failure(self, sealing: Future[None]) -> None:
        if sealing.exception() is not None:
            self._pool.wake()

    def _stand_still(self, batch: list[Waiting], error: LedgerError) -> None:
        _log.error("the writer stands still: %s", error)
        self._trouble = error
        self._edge = None
        try:
            self._await_seal()  # while it is under way, nothing may be recovered
        except Exception as other:
            _log.error("the seal before it failed too: %s", _as_ledger_error(other))
        _refuse([*self._unsealed, *batch], f"the outcome is not known ({error.what})")
        self._unsealed = []
        while not self._closing.is_set():
            try:
                self._recover(None)
                _log.warning("the writer goes on")
                return
            except Exception as still:
                self._trouble = _as_ledger_error(still)
                self._closing.wait(RECOVERY_SECONDS)

    def _recover(self, accept: bytes | None) -> None:
        self._edge = recover(self._store, self._signer, accept)
        self._trouble = None


def _as_ledger_error(error: Exception) -> LedgerError:
    if isinstance(error, LedgerError):
        return error
    _log.error("the writer failed", exc_info=error)  # a fault of ours, told whole in the log and nowhere else
    return UnavailableError(f"append to the log: {type(error).__name__}")


def _refuse(batch: Sequence[Waiting], why: str) -> None:
    refusal = UnavailableError(f"append to the log: {why}; repeat it with the same Idempotency-Key", retry_after=2)
    for waiting in batch:
        _answer(waiting, refusal)


def _answer_all(batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        _answer(waiting, outcome)


def _answer(waiting: Waiting, outcome: Outcome) -> None:
    if waiting.future.done() or not waiting.future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, LedgerError):
        waiting.future.set_exception(outcome)
    else:
        waiting.future.set_result(outcome)
