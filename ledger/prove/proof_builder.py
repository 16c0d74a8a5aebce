"""Inclusion and consistency proofs against one signed checkpoint, each verified before it leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ledger.errors import CorruptError, MalformedError, NotFoundError, ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.hashing import hash_leaf, hash_leaves
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.node_memory import GROUP_WIDTH, HALVES_MAX, NodeMemory, half_way
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import TILE_HEIGHT, TILE_WIDTH, TileId
from ledger.note.checkpoint import Checkpoint, parse_checkpoint
from ledger.note.proof_file import format_proof
from ledger.note.signed_note import parse_note
from ledger.store.contracts import LogStore
from ledger.store.stored_tiles import StoredTiles

Proof = TypeVar("Proof")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed note, what it says, and the nodes of its tree (tiles read once, as long as this lives)."""

    note: bytes
    checkpoint: Checkpoint
    nodes: TiledNodes


class ProofBuilder:
    """Builds proofs out of stored tiles."""

    def __init__(self, store: LogStore, tiles: StoredTiles) -> None:
        self._store = store
        self._tiles = tiles
        self._memory = NodeMemory(self._leaf_hashes)
        self._looked_at = 0  # the lowest tiles before this one
        self._last: SignedHead | None = None

    def head_covering(self, index: int) -> SignedHead:
        """The published checkpoint if its tree holds the entry, else the newest signed one.

        Raises NotFoundError where no signed tree holds it.
        """
        for read in (self._store.published, self._store.newest_checkpoint):
            found = read()
            if found is not None and found[0] > index:
                return self._head(found[1])
        raise NotFoundError(f"prove an entry: no signed checkpoint holds index {index}")

    def _head(self, note: bytes) -> SignedHead:
        """All receipts of a batch are made under one head: it is read, and its tiles are, for the first of them."""
        head = self._last
        if head is None or head.note != note:
            checkpoint = parse_checkpoint(parse_note(note).text)
            self._last = head = SignedHead(note, checkpoint, self._nodes(checkpoint.size))
        return head

    def proof_file(self, index: int, leaf: bytes, head: SignedHead) -> bytes:
        """The `tlog-proof` of an entry. Raises CorruptError if the stored tree does not give the root."""
        size, root = head.checkpoint.size, head.checkpoint.root

        def prove(nodes: TiledNodes) -> list[bytes]:
            path = prove_inclusion(nodes, index, size, nodes.ends)
            check_inclusion(hash_leaf(leaf), index, size, path, root)
            return path

        try:
            path = self._from_stored(prove, head.nodes)
        except (MalformedError, ProofError) as error:
            raise CorruptError(f"prove entry {index}: the stored tree does not give the signed root") from error
        return format_proof(index, path, head.note)

    def consistency(self, stamped: Checkpoint, head: SignedHead) -> list[bytes]:
        """The proof from the smaller to the larger, empty when equal. Raises CorruptError where they contradict."""
        old, new = sorted((stamped, head.checkpoint), key=lambda checkpoint: checkpoint.size)

        def prove(nodes: TiledNodes) -> list[bytes]:
            proof = prove_consistency(nodes, old.size, new.size) if old.size < new.size else []
            check_consistency(old.size, old.root, new.size, new.root, proof)
            return proof

        try:
            return self._from_stored(prove, head.nodes if new.size == head.checkpoint.size else self._nodes(new.size))
        except (MalformedError, ProofError) as error:
            raise CorruptError(f"prove that size {new.size} continues size {old.size}: it does not") from error

    def remember(self, tiles: int) -> bool:
        """Read so many of the log's lowest tiles, and what stands above them, so that the first proof out of each costs
        less (ledger.merkle.node_memory). Returns whether there are more that could be remembered.

        Raises UnavailableError where the database does not answer; what is damaged is left to the proofs to find.
        """
        newest = self._store.published()
        full = 0 if newest is None else newest[0] // TILE_WIDTH
        nodes = self._nodes(full * TILE_WIDTH)
        start = max(self._looked_at, full - HALVES_MAX)
        end = min(start + tiles, full)
        for index in range(start, end):
            with suppress(MalformedError, CorruptError):
                if not self._memory.has_half(index):
                    self._memory.keep_half(index, half_way(self._tiles.read(TileId(0, index))))
                if index % TILE_WIDTH == TILE_WIDTH - 1:
                    nodes.node(TILE_HEIGHT, index)  # the tile above, full by now, is expanded
        self._looked_at = max(end, self._looked_at)
        return end < full

    def _from_stored(self, prove: Callable[[TiledNodes], Proof], nodes: TiledNodes) -> Proof:
        """What is remembered may be at fault: then what is stored decides. Raises what `prove` raises."""
        try:
            return prove(nodes)
        except (MalformedError, ProofError, CorruptError):
            found = prove(TiledNodes(nodes.size, self._tiles.read))
            self._memory.forget()
            self._looked_at, self._last = 0, None
            return found

    def _nodes(self, size: int) -> TiledNodes:
        """A proof takes up to eight nodes out of each tile, and neighbours share them: each is read once a head, and
        once for good if it is full.
        """
        return TiledNodes(size, self._tiles.read, self._memory)

    def _leaf_hashes(self, start: int) -> bytes:
        return b"".join(hash_leaves(self._store.leaves(start, start + GROUP_WIDTH)))
