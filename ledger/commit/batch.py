"""One transaction: place every submission of a batch, or say why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ledger.commit.batch_proofs import BatchProofs
from ledger.commit.placing import Place, Placing, StaleError
from ledger.commit.prepared import Prepared
from ledger.errors import CorruptError, LedgerError, RolledBackError
from ledger.garbage import no_search_for_cycles
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.open_tiles import OpenTiles
from ledger.store.contracts import LogStore, LogWriter
from ledger.store.log_rows import Head, TileRow
from ledger.store.stored_tiles import StoredTiles

__all__ = ["Outcome", "Sequenced", "StaleError", "commit_batch"]


class Sequenced(NamedTuple):
    """An entry's place. `size`: that of a committed tree which holds it. `replayed`: it was there before this call;
    of one that was not, `proofs` prove it.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a place for
    seq: int
    time: str
    leaf: bytes
    size: int
    replayed: bool
    proofs: BatchProofs | None = None


Outcome = list[Sequenced] | LedgerError
Foresee = Callable[[Head, BatchProofs], None]


def commit_batch(
    store: LogStore,
    submissions: Sequence[Sequence[Prepared]],
    edge: OpenTiles | None,
    now_ms: int,
    foresee: Foresee | None = None,
) -> tuple[OpenTiles, list[Outcome]]:
    """Append every acceptable submission, each whole or not at all, in order. Returns the new right edge and outcomes.

    `edge`: the right edge after this process's last commit or recovery, where it has one. `foresee`: is told the head
    that there will be if the commit succeeds, and the proofs under it, before anything is written. Raises
    RolledBackError where the head does not continue it, CorruptError where the stored tree does not give the head's
    root; and AmbiguousCommitError or UnavailableError for the batch as a whole: nothing of it may then be assumed.
    """
    with store.writing() as writer:
        # A crash from here to the commit leaves nothing: the transaction rolls back.
        head = writer.lock_head()
        edge = _edge_at(store, head, edge)
        batch = Placing(writer, head.size, now_ms)
        batch.look_up(submissions)
        with no_search_for_cycles():
            placed = [batch.place(submission) for submission in submissions]
        proofs = None
        if batch.entries:
            edge, proofs = _write(writer, head, edge, batch, foresee)
    # A crash from here on leaves a committed head without a signature; recovery signs it at the next start.
    with no_search_for_cycles():
        return edge, [_outcome(each, batch, head.size, edge.size, proofs) for each in placed]


def _edge_at(store: LogStore, head: Head, edge: OpenTiles | None) -> OpenTiles:
    """The right edge at the locked head. What other processes appended since ours is appended to ours: so the head is
    known to continue what we signed, also where the database is changed under a running process.
    """
    if edge is None:
        edge = OpenTiles.load(head.size, StoredTiles(store).read)
        if edge.frontier.root() != head.root:
            raise CorruptError(f"append to the log: the stored tree does not give the head's root at size {head.size}")
        return edge
    if edge.size < head.size:
        edge = edge.append([hash_leaf(leaf) for leaf in store.leaves(edge.size, head.size)]).tiles
    if (edge.size, edge.frontier.root()) != (head.size, head.root):
        raise RolledBackError(
            f"append to the log: rolled back or forked while it was open: the head of size {head.size} "
            f"does not continue ours of size {edge.size}",
            "database",
        )
    return edge


def _write(
    writer: LogWriter, head: Head, edge: OpenTiles, batch: Placing, foresee: Foresee | None
) -> tuple[OpenTiles, BatchProofs]:
    grown = edge.append(batch.hashes)
    new = Head(grown.tiles.size, grown.root, grown.frontier.to_bytes())
    proofs = BatchProofs(edge.frontier, [row.leaf for row in batch.entries], new)
    if foresee is not None:
        foresee(new, proofs)
    tiles = [TileRow(tile.level, tile.index, data) for tile, data in grown.full]
    writer.append(batch.entries, batch.openings, batch.chain_heads(), tiles)
    writer.project(batch.projections, batch.answered())
    writer.move_head(head, new)
    return grown.tiles, proofs


def _outcome(
    placed: list[int | Place] | LedgerError, batch: Placing, before: int, size: int, proofs: BatchProofs | None
) -> Outcome:
    if isinstance(placed, LedgerError):
        return placed
    entries, time = batch.entries, batch.time
    outcome = []
    for at in placed:
        if isinstance(at, int):
            index, _, seq, _, leaf = entries[at - before]
            outcome.append(Sequenced(index, seq, time, leaf, size, False, proofs))
        else:
            outcome.append(Sequenced(*at, size, True))
    return outcome
