"""Inclusion proofs built and checked in a second, beside pymerkle's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pymerkle import InmemoryTree  # type: ignore[import-untyped]  # ships no types

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import OpenLog, make_log, open_log, prepare_entries
from benchmarks.scale import Scale
from ledger.commit.prepared import new_chain
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import TileId
from ledger.prove.proof_builder import ProofBuilder
from ledger.store.stored_tiles import StoredTiles

_BATCH: Final = 1_000
_NOTES: Final = (
    "tlog-proof file: tiles read from SQLite, proof built, checked against the signed root, and formatted",
    "pymerkle holds its tree in memory; its proofs are made anew each round, without its cache",
)


def measure(scale: Scale, folder: Path) -> Outcome:
    """Of entries drawn by chance from one log."""
    size = scale.of(20_000, 2_000)
    number = scale.of(2_000, 100)
    with open_log(make_log(folder)) as log:
        _fill(log, size)
        head = log.store.head()
        leaves = log.store.leaves(0, head.size)
        drawn = random.Random(1).sample(range(head.size), number)
        builder = ProofBuilder(log.store, StoredTiles(log.store, lambda: log.sequencer.edge))
        signed = builder.head_covering(0)
        nodes = TiledNodes(head.size, _tiles_in_memory(log, head.size))
        paths = {index: prove_inclusion(nodes, index, head.size) for index in drawn}
        tree: Any = InmemoryTree.init_from_entries(leaves, algorithm="sha256")
        acts: list[tuple[str, Callable[[int], object], bool]] = [
            ("tlog-proof file, from the database", lambda i: builder.proof_file(i, leaves[i], signed), False),
            ("proof, tiles in memory", lambda i: prove_inclusion(nodes, i, head.size), False),
            (
                "check of a proof",
                lambda i: check_inclusion(hash_leaf(leaves[i]), i, head.size, paths[i], head.root),
                False,
            ),
            ("pymerkle, proof in memory", lambda i: _prove_by_pymerkle(tree, i), True),
        ]
        contenders = [Contender(name, _repeated(act, drawn), peer) for name, act, peer in acts]
        title = f"inclusion proofs in a log of {head.size:,} entries"
        return compare("proofs", title, contenders, scale.of(5, 2), _NOTES)


def _fill(log: OpenLog, size: int) -> None:
    chain = new_chain()
    for _ in range(size // _BATCH):
        log.sequencer.append(prepare_entries(chain, _BATCH))


def _tiles_in_memory(log: OpenLog, size: int) -> Callable[[TileId], bytes]:
    stored = StoredTiles(log.store, lambda: log.sequencer.edge)
    kept: dict[TileId, bytes] = {}

    def read(tile: TileId) -> bytes:
        if tile not in kept:
            kept[tile] = stored.read(tile)
        return kept[tile]

    return read


def _prove_by_pymerkle(tree: Any, index: int) -> object:
    return tree.prove_inclusion(index + 1)


def _repeated(act: Callable[[int], object], indexes: list[int]) -> Callable[[], Figures]:
    def run() -> Figures:
        begun = time.perf_counter()
        for index in indexes:
            act(index)
        return {"proofs/s": len(indexes) / (time.perf_counter() - begun)}

    return run
