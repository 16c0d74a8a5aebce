"""Inclusion and consistency proofs against one signed checkpoint, each verified before it leaves."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.entry.canonical_json import serialise
from ledger.errors import CorruptError, MalformedError, NotFoundError, ProofError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.hashing import hash_leaf, hash_leaves
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.stretch import Stretch
from ledger.merkle.tiles import TiledNodes
from ledger.note.checkpoint import Checkpoint, parse_checkpoint
from ledger.note.proof_file import PROOF_HEADER, format_proof
from ledger.note.signed_note import parse_note
from ledger.store.contracts import LogStore
from ledger.store.stored_tiles import StoredTiles

_BEFORE_PATH: Final = PROOF_HEADER.encode("ascii") + b"\\nindex %d\\n"


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

    def head_covering(self, index: int, at_hand: bytes | None = None) -> SignedHead:
        """The published checkpoint if its tree holds the entry, else the newest signed one.

        `at_hand`: a checkpoint that this process knows to be published; if it holds the entry, nothing is read. Raises
        NotFoundError where no signed tree holds it.
        """
        if at_hand is not None:
            head = self._head(at_hand)
            if head.checkpoint.size > index:
                return head
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

    def proof_texts(self, first: int, leaves: Sequence[bytes], head: SignedHead) -> list[tuple[bytes, ...]]:
        """What `proof_file` gives for each of these neighbours, the first at index `first`: in parts, escaped as in a
        JSON string, and without doing twice what they share. Raises CorruptError as `proof_file` does.
        """
        size, root = head.checkpoint.size, head.checkpoint.root
        try:
            stretch = Stretch(head.nodes, first, hash_leaves(leaves), size, root)
        except (MalformedError, ProofError) as error:
            last = first + len(leaves) - 1
            raise CorruptError(
                f"prove entries {first} to {last}: the stored tree does not give the signed root"
            ) from error
        note = b"\\n" + serialise(head.note.decode())[1:-1]
        return [
            (_BEFORE_PATH % index, path, note) for index, path in enumerate(_path_texts(stretch)[: len(leaves)], first)
        ]

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


def _path_texts(stretch: Stretch) -> list[bytes]:
    """The path of each leaf of a stretch in order: a line of base64 for each hash, its end escaped.

    From the root down: a node's path is its sibling, and then its parent's path.
    """
    texts, above_start = [b""], 0
    for start, row in reversed(stretch.rows()):
        lines = [b2a_base64(node, newline=False) + b"\\n" for node in row]
        shift = (start >> 1) - above_start
        texts = [
            lines[at ^ 1] + texts[(at >> 1) + shift] if at ^ 1 < len(row) else texts[(at >> 1) + shift]
            for at in range(len(row))
        ]
        above_start = start
    return texts[stretch.first - above_start :]
