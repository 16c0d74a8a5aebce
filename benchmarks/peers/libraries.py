"""Python's Merkle libraries: pymerkle's SQLite tree and merkletools, given the leaves that we append."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

from pymerkle import SqliteTree  # type: ignore[import-untyped]  # ships no types

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import make_log, open_log
from benchmarks.peers.aims import Aim
from benchmarks.peers.pipeline import Appending, prepare_leaves
from benchmarks.peers.site import Site
from ledger.commit.prepared import new_chain
from ledger.merkle.frontier import Frontier

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains that SHA-3 is missing; we use SHA-256
    from merkletools import MerkleTools

_RATE: Final = "leaves/s"
_ONE: Final = "ledger, one leaf a submission, signed and kept"
_BULK: Final = "ledger, 1,000 leaves a submission, signed and kept"
_ROOT: Final = "ledger's frontier, root of ready hashes"
_PYMERKLE_ONE: Final = "pymerkle, SQLite, one leaf a transaction"
_PYMERKLE_BULK: Final = "pymerkle, SQLite, all leaves in one transaction"
_MERKLETOOLS: Final = "merkletools, tree of ready hashes"

AIMS: Final = (
    Aim("one leaf at a time, durable ÷ pymerkle's SQLite tree", _RATE, _ONE, _PYMERKLE_ONE),
    Aim("leaves in bulk ÷ pymerkle's SQLite tree, one transaction without a checkpoint", _RATE, _BULK, _PYMERKLE_BULK),
    Aim("root of ready leaf hashes ÷ merkletools", _RATE, _ROOT, _MERKLETOOLS),
)


def measure(site: Site, folder: Path) -> Outcome:
    """The same leaves for all: 293 bytes."""
    single, batches = site.scale.of(500, 100), site.scale.of(20, 5)
    with ExitStack() as stack:
        log = stack.enter_context(open_log(make_log(folder / "log")))
        bulk = stack.enter_context(open_log(make_log(folder / "bulk")))
        trees = [stack.enter_context(closing(_tree(folder / name))) for name in ("one.db", "all.db")]
        chain = new_chain()
        ready = [[each] for _ in range(-(-single // 1_000)) for each in prepare_leaves(chain)][:single]
        leaves = [bytes(293 - 8) + n.to_bytes(8, "big") for n in range(batches * 1_000)]
        hashes = [hashlib.sha256(leaf).digest() for leaf in leaves]
        contenders = [
            Contender(_ONE, _timed(single, lambda: [log.sequencer.append(each) for each in ready])),
            Contender(_PYMERKLE_ONE, _timed(
                single, lambda: [trees[0].append_entry(leaf) for leaf in leaves[:single]]), peer=True),
            Contender(_BULK, _renamed(Appending(bulk, batches, prepare_leaves, before=True))),
            Contender(_PYMERKLE_BULK, _timed(len(leaves), lambda: trees[1].append_entries(leaves)), peer=True),
            Contender(_ROOT, _timed(len(leaves), lambda: Frontier().append_all(hashes).root())),
            Contender(_MERKLETOOLS, _timed(len(leaves), lambda: _build(hashes)), peer=True),
        ]  # fmt: skip
        notes = ("pymerkle commits with SQLite's own defaults: a rollback journal, synchronous=FULL; it signs nothing",)
        return compare("libraries", "Python's Merkle libraries", contenders, site.scale.of(5, 2), notes)


def _tree(path: Path) -> Any:
    return SqliteTree(str(path), algorithm="sha256")


def _build(hashes: list[bytes]) -> None:
    tree = MerkleTools()
    tree.add_leaf([each.hex() for each in hashes])
    tree.make_tree()


def _renamed(appending: Appending) -> Callable[[], Figures]:
    return lambda: {_RATE: appending.run()["entries/s"]}


def _timed(number: int, act: Callable[[], object]) -> Callable[[], Figures]:
    def run() -> Figures:
        begun = time.perf_counter()
        act()
        return {_RATE: number / (time.perf_counter() - begun)}

    return run
