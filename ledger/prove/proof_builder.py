"""Inclusion and consistency proofs against one signed checkpoint, each verified before it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import CorruptError, MalformedError, NotFoundError, ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.tiles import TiledNodes
from ledger.note.checkpoint import Checkpoint, parse_checkpoint
from ledger.note.proof_file import format_proof
from ledger.note.signed_note import parse_note
from ledger.store.contracts import LogStore
from ledger.store.stored_tiles import StoredTiles


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
        try:
            path = prove_inclusion(head.nodes, index, size)
            check_inclusion(hash_leaf(leaf), index, size, path, root)
        except (MalformedError, ProofError) as error:
            raise CorruptError(f"prove entry {index}: the stored tree does not give the signed root") from error
        return format_proof(index, path, head.note)

    def consistency(self, stamped: Checkpoint, head: SignedHead) -> list[bytes]:
        """The proof from the smaller to the larger, empty when equal. Raises CorruptError where they contradict."""
        old, new = sorted((stamped, head.checkpoint), key=lambda checkpoint: checkpoint.size)
        nodes = head.nodes if new.size == head.checkpoint.size else self._nodes(new.size)
        try:
            proof = prove_consistency(nodes, old.size, new.size) if old.size < new.size else []
            check_consistency(old.size, old.root, new.size, new.root, proof)
        except (MalformedError, ProofError) as error:
            raise CorruptError(f"prove that size {new.size} continues size {old.size}: it does not") from error
        return proof

    def _nodes(self, size: int) -> TiledNodes:
        """A proof takes up to eight nodes out of each tile, and neighbours share them: each is read once a head."""
        return TiledNodes(size, self._tiles.read)
