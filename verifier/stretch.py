"""A stretch of the log's leaves, proven against signed trees (docs/spec/log.md; RFC 6962 §2.1).

The leaves are appended to the tree before them, which the log's tiles must first reproduce, and each signed tree on the
way must be met. That proves consistency and the leaves at once, and leaves the server nothing to be believed for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from verifier.checkpoint import Checkpoint
from verifier.errors import VerifierError
from verifier.merkle import Frontier, leaf_hash
from verifier.tiles import TiledLog

# A million leaves are some hundred megabytes and a minute or two of a processor: more than anybody waits for.
MAX_LEAVES = 2**20


class BadStretch(VerifierError):
    """The tiles do not lead to the signed trees."""


def read_stretch(log: TiledLog, start: int, trees: Sequence[Checkpoint]) -> Iterator[tuple[int, bytes]]:
    """The leaves from `start` up to the largest of `trees`, each with its index; no tree is smaller than `start`.

    Nothing of it is proven until the iterator has ended. Raises BadStretch where a tree is not met, Unreachable where a
    tile cannot be had.
    """
    roots = _roots(trees)
    end = max(roots)
    tree = log.frontier(start, end)
    _meet(tree, roots, start)
    for index, leaf in enumerate(log.leaves(start, end), start=start):
        tree.append(leaf_hash(leaf))
        _meet(tree, roots, start)
        yield index, leaf


def _roots(trees: Sequence[Checkpoint]) -> dict[int, bytes]:
    roots: dict[int, bytes] = {}
    for signed in trees:
        if roots.setdefault(signed.size, signed.root) != signed.root:
            raise BadStretch(f"the log signed two different trees of {signed.size} entries")
    return roots


def _meet(tree: Frontier, roots: Mapping[int, bytes], start: int) -> None:
    expected = roots.get(tree.size)
    if expected is None or tree.root() == expected:
        return
    if tree.size == start:
        raise BadStretch(f"the log's tiles give another tree of {start} entries than the signed one")
    raise BadStretch(f"the log's entries from {start} on do not lead to the signed tree of {tree.size} entries")
