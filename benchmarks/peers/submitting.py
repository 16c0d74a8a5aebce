"""Over HTTP: entries a second in bulk, and how long a client waits until its entry is proven."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.load import Job, run_job
from benchmarks.peers.aims import Aim
from benchmarks.peers.ledger_server import LedgerServer, ledger_server
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram, write_leaves

LINES: Final = 500
BATCH_CLIENTS: Final = 4
TESSERA_CLIENTS: Final = 256
TESSERA_WRITES: Final = ((256, 250), (64, 5))
"""Entries a batch, milliseconds before a smaller one is written: its defaults; and small batches that hardly wait,
faster at 256 waiting clients on some disks.
"""

INTERVAL_MS: Final = 100
"""Between two of Tessera's checkpoints: the shortest that it takes."""

MANY: Final = 32

_BULK: Final = f"evidence:batch, {BATCH_CLIENTS} clients, {LINES:,} lines each"
_ADD: Final = "Tessera, POST /add, {} clients, batches of {}, {} ms"
_RATE: Final = "entries/s"
_P50: Final = "p50 ms"
_P99: Final = "p99 ms"
_TO_RECEIPT: Final = "receipt with its proof, {}"
_TO_CHECKPOINT: Final = "Tessera, in a published checkpoint, {}"
_CLIENTS: Final = {1: "1 client", MANY: f"{MANY} clients"}

AIMS_BULK: Final = tuple(
    Aim(
        f"`evidence:batch` ÷ Tessera over HTTP at {TESSERA_CLIENTS} clients, batches of {batch}, {age} ms",
        _RATE,
        _BULK,
        _ADD.format(TESSERA_CLIENTS, batch, age),
        at_least=1,
    )
    for batch, age in TESSERA_WRITES
)
AIMS_WAITING: Final = tuple(
    Aim(
        f"HTTP receipt with complete proof, {share[:3]}, {_CLIENTS[clients]} ÷ Tessera until in a published checkpoint",
        share,
        _TO_RECEIPT.format(_CLIENTS[clients]),
        _TO_CHECKPOINT.format(_CLIENTS[clients]),
        at_most=bound,
        to_metric=_P50,
    )
    for clients, share, bound in ((MANY, _P99, 0.2), (1, _P99, 0.02), (1, _P50, 0.02))
)

# Numbers of one round never meet those of another: a job sends fewer requests than this.
_SERIALS: Final = count(1 << 40, 1 << 32)
_LEAVES: Final = 4_096
_LEAF_BYTES: Final = 293  # as long as a leaf of ours


def measure_bulk(site: Site, folder: Path) -> Outcome:
    """Entries a second: ours with their fields, openings kept; Tessera's are leaves, accepted and not yet published."""
    seconds = site.scale.of(5.0, 2.0)
    with ExitStack() as stack:
        ours = stack.enter_context(ledger_server(folder))
        contenders = [Contender(_BULK, _sending(ours, ours.batch(LINES), BATCH_CLIENTS, seconds, LINES))]
        if site.program is not None:
            contenders += _tesseras(site.program, folder, seconds, stack)
        title = "hash-only entries over HTTP, in bulk"
        return compare("http-bulk", title, contenders, site.scale.of(3, 2), _NOTES, warm_up=False)


def measure_waiting(site: Site, folder: Path) -> Outcome:
    """Ours over HTTP, to the whole receipt; Tessera's in-process, to a checkpoint that holds the entry."""
    seconds = site.scale.of(4.0, 1.0)
    with ledger_server(folder) as ours:
        anchor = ours.anchor()
        contenders = []
        for clients, words in _CLIENTS.items():
            name = _TO_RECEIPT.format(words)
            contenders.append(Contender(name, _waiting(ours, anchor, clients, seconds)))
        if site.program is not None:
            for clients, words in _CLIENTS.items():
                act = _publishing(site.program, folder / f"tessera-{clients}", clients, seconds)
                contenders.append(Contender(_TO_CHECKPOINT.format(words), act, peer=True))
        title = "from an entry to its proof"
        return compare("http-waiting", title, contenders, site.scale.of(3, 2), _NOTES, warm_up=False)


_NOTES: Final = (
    "ours: `evidence-ledger serve` as it comes, on SQLite, the load from a process of its own; answered when the entry "
    "is durable, in a signed and kept checkpoint, with the proof",
    "Tessera's POST /add answers with an index when the entry is durable; its load comes from a lean Go process",
    f"until published: in-process, a checkpoint every {INTERVAL_MS} ms, asked for every millisecond; without a proof",
)


def _sending(server: LedgerServer, request: str, clients: int, seconds: float, lines: int) -> Callable[[], Figures]:
    def run() -> Figures:
        figures = run_job(Job(server.port, request, clients, seconds, 201, next(_SERIALS)))
        return {_RATE: figures["req/s"] * lines}

    return run


def _waiting(server: LedgerServer, request: str, clients: int, seconds: float) -> Callable[[], Figures]:
    def run() -> Figures:
        figures = run_job(Job(server.port, request, clients, seconds, 201, next(_SERIALS)))
        return {share: figures[share] for share in (_P50, _P99)}

    return run


def _tesseras(program: TesseraProgram, folder: Path, seconds: float, stack: ExitStack) -> list[Contender]:
    contenders = []
    for batch, age in TESSERA_WRITES:
        log = _tessera_log(folder / f"tessera-{batch}")
        port = stack.enter_context(
            program.serving(folder / f"tessera-{batch}.log", **log, batch=batch, age_ms=age, interval_ms=1000)
        )
        contenders.append(
            Contender(
                _ADD.format(TESSERA_CLIENTS, batch, age),
                _adding(program, port, log["leaves"], seconds),
                peer=True,
            )
        )
    return contenders


def _adding(program: TesseraProgram, port: int, leaves: str, seconds: float) -> Callable[[], Figures]:
    def run() -> Figures:
        figures = program.run("load", port=port, leaves=leaves, clients=TESSERA_CLIENTS, seconds=seconds)
        return {_RATE: figures[_RATE]}

    return run


def _publishing(program: TesseraProgram, folder: Path, clients: int, seconds: float) -> Callable[[], Figures]:
    log: dict[str, Any] = _tessera_log(folder)

    # A batch is written as soon as every client has an entry in it, or after a millisecond.
    return lambda: program.run(
        "publish", **log, batch=clients, age_ms=1, interval_ms=INTERVAL_MS, clients=clients, seconds=seconds
    )


def _tessera_log(folder: Path) -> dict[str, str]:
    folder.mkdir()
    leaves = (json.dumps({"serial": f"{n:x}"}).ljust(_LEAF_BYTES).encode() for n in range(_LEAVES))
    path = write_leaves(folder / "leaves", leaves)
    return {"log": str(folder / "log"), "keys": str(folder / "keys"), "leaves": str(path)}
