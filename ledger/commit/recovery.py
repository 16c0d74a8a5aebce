"""What is checked before a process may write: at start, and again after every failure whose outcome is unknown.

Its cost does not grow with the log: the right edge (at most 256 rows a level), one kept file, one consistency proof.

    0  the log has its first entry                                else `init` did not finish
    1  the entries end where the head says                        else the last entries were deleted
    2  the open tiles give the head's root and frontier           else head, entries or tiles were edited
    3  a kept checkpoint is there, and signed by our keys         else the database cannot prove its own past
    4  the head is not older than it, and consistent with it      else the database was rolled back, or forked
    5  no stored checkpoint is newer than the head                else the head was rolled back
    6  the head is signed by our keys, and published              else a crash came between: it is done now
"""

from __future__ import annotations

import logging
import threading

from ledger.commit.signer import CheckpointSigner
from ledger.errors import (
    ConfigError,
    CorruptError,
    LedgerError,
    MalformedError,
    ProofError,
    RolledBackError,
    UnavailableError,
)
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.note.checkpoint import Checkpoint, format_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.contracts import AmbiguousCommitError, LogStore
from ledger.store.log_rows import Head
from ledger.store.stored_tiles import StoredTiles

_log = logging.getLogger(__name__)

_SHOWN = 1_024  # characters of a damaged note that go into the evidence


WAIT_SHOWN_SECONDS = 10.0
"""A database whose standby is away takes no commit and says nothing: after so long we say it."""

_WAITS = "start: waiting for the database to confirm a commit: is its synchronous standby there?"

RACES = 10
"""How often the checks begin anew because another process committed between our reads; then the others wait, once."""


def recover(store: LogStore, signer: CheckpointSigner, accept: bytes | None = None) -> OpenTiles:
    """Check, mend what a crash may leave, and give the right edge from which to go on.

    `accept`: a signed checkpoint that the operator vouches for where none is kept (`--accept-checkpoint`). Raises
    RolledBackError with the checkpoints as evidence, CorruptError naming what is missing or edited, ConfigError where
    the kept checkpoint is missing.
    """
    _settle(store)
    for _ in range(RACES):
        head = store.head()
        try:
            return _recover_at(store, signer, accept, head)
        except (CorruptError, RolledBackError):
            # Not under the head's lock: a process that starts must not hold up those that serve. What was read after
            # another one's commit contradicts this head and nothing else.
            if store.head() == head:
                raise
    # They commit faster than we read, and a server under load must still be able to replace a worker: one check, of
    # milliseconds, under the lock. Only on PostgreSQL: on SQLite nobody else writes.
    with store.writing() as writer:
        return _recover_at(store, signer, accept, writer.lock_head())


def _settle(store: LogStore) -> None:
    """Wait until what is seen is where a commit has to be before it counts.

    After a crash PostgreSQL shows what it committed and its synchronous standby never had. Signed and kept, that would
    make the standby look rolled back if it took over. To lock the head is a write, whose own commit waits for the
    standby, and so for all that came before.
    """
    shown = threading.Timer(WAIT_SHOWN_SECONDS, _log.warning, [_WAITS])
    shown.daemon = True
    shown.start()
    try:
        with store.writing() as writer:
            writer.lock_head()
    except AmbiguousCommitError as error:  # nothing was written: there is nothing to be in doubt about
        raise UnavailableError(f"start: {error.what}", error.where) from error
    finally:
        shown.cancel()


def _recover_at(store: LogStore, signer: CheckpointSigner, accept: bytes | None, head: Head) -> OpenTiles:
    edge = check_edge(store, head)
    if head.size == 0:
        raise ConfigError("start: the log has no entry 0: `evidence-ledger init` did not finish; run it again")
    if accept is not None:
        check_against(store, signer, head, accept, "the accepted checkpoint")
        signer.kept.advance(accept)
    kept = signer.kept.read()
    if kept is None:
        raise ConfigError(
            "start: no kept checkpoint, so nobody could tell whether the database was rolled back; "
            "if you know a true one, give it with --accept-checkpoint",
            str(signer.kept.path),
        )
    check_against(store, signer, head, kept, "the kept checkpoint")
    newest = store.newest_checkpoint()
    if newest is not None and newest[0] > head.size:
        raise RolledBackError(
            f"start: rolled back or forked: a checkpoint of size {newest[0]} was signed, the head has {head.size}",
            "database",
            [_text(newest[1]), _head_text(signer.origin, head)],
        )
    _sign(store, signer, head)
    return edge


def _sign(store: LogStore, signer: CheckpointSigner, head: Head) -> None:
    """Step 6."""
    note = store.checkpoint(head.size)
    if note is None:
        # A crash came after a commit and before its signature: the head is committed, so it may be signed.
        signer.seal(store, head)
        return
    try:
        stored = signer.check(note)
    except LedgerError as error:
        raise CorruptError(
            f"start: the checkpoint of size {head.size} is not one of this log: {error.what}", "database"
        ) from error
    if (stored.size, stored.root) != (head.size, head.root):
        raise RolledBackError(
            f"start: rolled back or forked: another root of size {head.size} was signed",
            "database",
            [_text(note), _head_text(signer.origin, head)],
        )
    signer.kept.advance(note)  # another process, or a later state of this folder, may have signed it
    store.save_checkpoint(head.size, note)


def check_last(store: LogStore, head: Head) -> None:
    """Step 1. Raises CorruptError."""
    last = store.last_index()
    if last + 1 != head.size:
        raise CorruptError(
            f"start: the head counts {head.size} entries, the last one stored has index {last}: "
            + ("the last entries were deleted" if last + 1 < head.size else "the head was moved back"),
            "database",
        )


def check_edge(store: LogStore, head: Head) -> OpenTiles:
    """Steps 1 and 2. Raises CorruptError; UnavailableError where the database does not answer, whatever is in it."""
    check_last(store, head)
    try:
        edge = OpenTiles.load(head.size, StoredTiles(store).read)
    except UnavailableError:
        raise
    except LedgerError as error:
        raise CorruptError(f"start: the right edge cannot be read: {error}", "database") from error
    if edge.frontier.root() != head.root:
        raise CorruptError(
            f"start: the entries and tiles at the right edge do not give the head's root at size {head.size}",
            "database",
        )
    if edge.frontier.to_bytes() != head.frontier:
        raise CorruptError(f"start: the stored frontier does not give the head's root at size {head.size}", "database")
    return edge


def check_against(store: LogStore, signer: CheckpointSigner, head: Head, note: bytes, what: str) -> None:
    """Steps 3 and 4: the head must continue this checkpoint of ours."""
    try:
        old = signer.check(note)
    except LedgerError as error:
        raise ConfigError(f"start: {what} is not signed by this log's keys: {error}", str(signer.kept.path)) from error
    evidence = [_text(note), _head_text(signer.origin, head)]
    if old.size > head.size:
        raise RolledBackError(
            f"start: rolled back or forked: {what} has size {old.size}, the database only {head.size}",
            "database",
            evidence,
        )
    reader = TiledNodes(head.size, StoredTiles(store).read)
    try:
        proof = prove_consistency(reader, old.size, head.size)
        check_consistency(old.size, old.root, head.size, head.root, proof)
    except (ProofError, MalformedError, CorruptError) as error:
        raise RolledBackError(
            f"start: rolled back or forked: the database of size {head.size} does not continue {what} "
            f"of size {old.size}",
            "database",
            evidence,
        ) from error


def _text(note: bytes) -> str:
    """The text that was signed; of a row that is no note, what stands there."""
    try:
        return parse_note(note).text
    except LedgerError:
        return note[:_SHOWN].decode("utf-8", "replace")


def _head_text(origin: str, head: Head) -> str:
    return format_checkpoint(Checkpoint(origin, head.size, head.root))
