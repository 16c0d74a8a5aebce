"""The inclusion proofs of all entries of one batch, made together: of a small one while its head is being signed, of a
large one when the first is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Final

from ledger.errors import CorruptError, MalformedError, ProofError, UnavailableError
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaves
from ledger.merkle.stretch import Stretch
from ledger.note.proof_texts import after_path, before_path, path_texts
from ledger.store.log_rows import Head

AHEAD_MAX: Final = 64
"""Entries of a batch that is proven ahead: some 10 µs each, together what a signature takes. Of more, who asks for his
proofs makes them, and the writer goes on: whoever appends by the thousand in this process may ask for none.
"""


class BatchProofs:
    """Proofs under the batch's own head: what they need is at hand once every entry has its place, but for the signed
    note. Until that is signed, kept and published, none is given out.
    """

    def __init__(self, before: Frontier, leaves: Sequence[bytes], head: Head) -> None:
        """`before`: of the tree without the batch, whose `leaves` follow; `head`: of the tree with them."""
        self._before = before
        self._leaves = leaves
        self._head = head
        self._paths: list[bytes] = []
        self._note: bytes | None = None
        self._making = Lock()

    def make_ahead(self) -> None:
        """Make the paths of a small batch. The leaves are hashed anew: raises CorruptError where they do not give the
        head's root.
        """
        if len(self._leaves) <= AHEAD_MAX:
            self._make()

    def _make(self) -> None:
        first, size = self._before.size, self._head.size
        try:
            stretch = Stretch(self._before, first, hash_leaves(self._leaves), size, self._head.root)
        except (MalformedError, ProofError) as error:
            raise CorruptError(f"prove entries {first} to {size - 1}: they do not give the root of the head") from error
        self._paths = path_texts(stretch)

    def publish(self, note: bytes) -> None:
        """`note`: the signed checkpoint of the head, published by now."""
        self._note = after_path(note)

    def text(self, index: int) -> tuple[bytes, ...]:
        """The `tlog-proof` of the batch's entry at `index`, in parts, escaped as in a JSON string.

        Raises UnavailableError where nothing is published yet; CorruptError as `make_ahead` does.
        """
        if self._note is None:
            raise UnavailableError(f"prove entry {index}: its checkpoint is not published")
        with self._making:
            if not self._paths:
                self._make()
        return before_path(index), self._paths[index - self._before.size], self._note
