"""Inclusion proofs built out of tiles, and checked: ours, Tessera's and transparency-dev/merkle's, pymerkle's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from pymerkle import SqliteTree, verify_inclusion  # type: ignore[import-untyped]  # ships no types

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import OpenLog
from benchmarks.peers.aims import Aim
from benchmarks.peers.public_log import PublicLog
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram, write_leaves
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.prove.proof_builder import ProofBuilder, SignedHead
from ledger.store.stored_tiles import StoredTiles
from verifier import merkle

_PROOFS: Final = "proofs/s"
_CHECKS: Final = "checks/s"
_FILE: Final = "tlog-proof file, checked, tiles read anew"
_FILE_WARM: Final = "tlog-proof file, checked, tiles read before"
_PATH: Final = "path alone, tiles read anew"
_TESSERA: Final = "Tessera's builder, tiles read anew"
_TESSERA_WARM: Final = "Tessera's builder, tiles read before"
_PYMERKLE: Final = "pymerkle's SQLite tree, its cache filled"
_OURS: Final = "ledger"
_VERIFIER: Final = "evidence-verify"
_GO: Final = "transparency-dev/merkle (Go)"
_PYMERKLE_CHECK: Final = "pymerkle"

AIMS: Final = (
    Aim("proof file built and checked ÷ Tessera's builder, tiles read anew each round", _PROOFS, _FILE, _TESSERA,
        at_least=1),
    Aim("the same, tiles read before", _PROOFS, _FILE_WARM, _TESSERA_WARM, at_least=1),
    Aim("path alone, as Tessera's builder gives it, tiles read anew", _PROOFS, _PATH, _TESSERA, at_least=1),
    Aim("proof file built and checked ÷ pymerkle's SQLite tree", _PROOFS, _FILE, _PYMERKLE),
)  # fmt: skip
AIMS_CHECKS: Final = (
    Aim("inclusion checked ÷ transparency-dev/merkle (Go)", _CHECKS, _OURS, _GO),
    Aim("inclusion checked ÷ pymerkle", _CHECKS, _OURS, _PYMERKLE_CHECK),
    Aim("inclusion checked by evidence-verify ÷ pymerkle", _CHECKS, _VERIFIER, _PYMERKLE_CHECK),
)

PYMERKLE_PROOFS: Final = 40
"""It reads every leaf below the nodes that it lacks: a few dozen proofs take as long as our thousands."""


class OurProofs:
    """Proofs out of SQLite."""

    def __init__(self, log: OpenLog, indexes: Sequence[int]) -> None:
        self._log = log
        self._indexes = indexes
        self._leaves = [log.store.leaves(index, index + 1)[0] for index in indexes]
        self._builder, self._head = self._open()

    def files(self) -> Figures:
        """A builder that has read nothing yet."""
        begun = time.perf_counter()
        builder, head = self._open()
        return self._build(builder, head, begun)

    def files_warm(self) -> Figures:
        """The builder of the rounds before."""
        return self._build(self._builder, self._head, time.perf_counter())

    def paths(self) -> Figures:
        """Nothing but the hashes."""
        begun = time.perf_counter()
        _, head = self._open()
        for index in self._indexes:
            prove_inclusion(head.nodes, index, head.checkpoint.size)
        return {_PROOFS: len(self._indexes) / (time.perf_counter() - begun)}

    def _open(self) -> tuple[ProofBuilder, SignedHead]:
        builder = ProofBuilder(self._log.store, StoredTiles(self._log.store, lambda: self._log.sequencer.edge))
        return builder, builder.head_covering(0)

    def _build(self, builder: ProofBuilder, head: SignedHead, begun: float) -> Figures:
        for index, leaf in zip(self._indexes, self._leaves, strict=True):
            builder.proof_file(index, leaf, head)
        return {_PROOFS: len(self._indexes) / (time.perf_counter() - begun)}


def measure_proofs(site: Site, folder: Path) -> Outcome:
    """Of entries drawn by chance."""
    public, program = site.public_log, site.program
    indexes = _draw(site)
    ours = OurProofs(public.log, indexes)
    with closing(_pymerkle_tree(public, folder)) as tree:
        contenders = [
            Contender(_FILE, ours.files),
            Contender(_FILE_WARM, ours.files_warm),
            Contender(_PATH, ours.paths),
            Contender(_PYMERKLE, _repeated(_PROOFS, indexes[:PYMERKLE_PROOFS], tree.prove_inclusion), peer=True),
        ]
        if program is not None:
            for name, warm in ((_TESSERA, False), (_TESSERA_WARM, True)):
                act = _asking(
                    program, "prove", log=str(public.tiles), keys=str(public.keys), indexes=indexes, warm=warm
                )
                contenders.append(Contender(name, act, peer=True))
        title = f"{len(indexes):,} inclusion proofs built in a log of {public.size:,} entries"
        notes = ("Tessera's builder reads the same tiles from files, and gives a path that it has not checked",)
        return compare("proofs", title, contenders, site.scale.of(5, 2), notes)


def measure_checks(site: Site, folder: Path) -> Outcome:
    """Each leaf hashed, each path folded, each root compared."""
    public, program = site.public_log, site.program
    indexes = _draw(site)
    leaves = dict(zip(indexes, (public.log.store.leaves(index, index + 1)[0] for index in indexes), strict=True))
    head = ProofBuilder(public.log.store, StoredTiles(public.log.store)).head_covering(0)
    size, root = head.checkpoint.size, head.checkpoint.root
    paths = {index: prove_inclusion(head.nodes, index, size) for index in indexes}
    with closing(_pymerkle_tree(public, folder)) as tree:
        few = indexes[:PYMERKLE_PROOFS]
        proofs = {index: (tree.get_leaf(index + 1), tree.prove_inclusion(index + 1)) for index in few}
        assert tree.get_state() == root
    contenders = [
        Contender(_OURS, _repeated(
            _CHECKS, indexes, lambda i: check_inclusion(hash_leaf(leaves[i]), i, size, paths[i], root))),
        Contender(_VERIFIER, _repeated(
            _CHECKS, indexes, lambda i: merkle.check_inclusion(i, size, merkle.leaf_hash(leaves[i]), paths[i], root))),
        Contender(_PYMERKLE_CHECK, _repeated(
            _CHECKS, few * 10, lambda i: verify_inclusion(proofs[i][0], root, proofs[i][1])), peer=True),
    ]  # fmt: skip
    if program is not None:
        path = write_leaves(folder / "drawn", (leaves[index] for index in indexes))
        names = {"log": str(public.tiles), "keys": str(public.keys), "leaves": str(path)}
        contenders.append(Contender(_GO, _asking(program, "verify", **names, indexes=indexes), peer=True))
    title = f"inclusion checked in a tree of {size:,} leaves, on one core"
    return compare("checks", title, contenders, site.scale.of(5, 2))


def _draw(site: Site) -> list[int]:
    return random.Random(1).sample(range(site.public_log.size), site.scale.of(5_000, 1_000))


def _pymerkle_tree(public: PublicLog, folder: Path) -> Any:
    tree = SqliteTree(str(folder / f"pymerkle-{time.monotonic_ns()}.db"), algorithm="sha256")
    tree.append_entries(public.log.store.leaves(0, public.size))
    return tree


def _asking(program: TesseraProgram, work: str, **job: Any) -> Callable[[], Figures]:
    return lambda: program.run(work, **job)


def _repeated(metric: str, indexes: Sequence[int], act: Callable[[int], object]) -> Callable[[], Figures]:
    def run() -> Figures:
        begun = time.perf_counter()
        for index in indexes:
            act(index)
        return {metric: len(indexes) / (time.perf_counter() - begun)}

    return run
