"""Logs to measure on, made as an operator makes them, and entries to put into them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ledger.clock import SystemClock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.prepared import Prepared, prepare
from ledger.commit.sequencer import Sequencer
from ledger.commit.signer import CheckpointSigner
from ledger.config import Settings, load_settings
from ledger.entry.canonical_json import Value
from ledger.keys.key_folder import KeyFolder
from ledger.store.log_rows import EvidenceRow
from ledger.store.sql_store import SqlStore
from ledger.upkeep.initialise import initialise

ORIGIN = "benchmark.example/evidence"
ACCOUNT = "aigul"

_serial = count(1)


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log with its writer running."""

    settings: Settings
    store: SqlStore
    signer: CheckpointSigner
    sequencer: Sequencer


def make_log(data: Path, database: str | None = None) -> Settings:
    """A new log in `data`; SQLite inside of it unless `database` names another."""
    settings = load_settings(data, {"origin": ORIGIN, "database": database}, {})
    initialise(settings)
    return settings


@contextmanager
def open_log(settings: Settings) -> Iterator[OpenLog]:
    """The parts that commit, put together as ledger.assembly does, without the work beside the flow."""
    store = SqlStore.open(settings.database)
    keys = KeyFolder(settings.data / "keys").log_signers(settings.origin)
    signer = CheckpointSigner(settings.origin, *keys, KeptCheckpoint(settings.kept), SystemClock())
    sequencer = Sequencer(store, signer, SystemClock())
    sequencer.start()
    try:
        yield OpenLog(settings, store, signer, sequencer)
    finally:
        sequencer.close()
        store.close()


def prepare_entries(chain: str, number: int) -> list[Prepared]:
    """Entries `evidence.anchored` with the six fields that every one has, each of other evidence, commitments made."""
    return [_prepare_entry(chain) for _ in range(number)]


def _prepare_entry(chain: str) -> Prepared:
    content = next(_serial).to_bytes(8, "big")
    sha256, size = hashlib.sha256(content), 40_000 + content[-1]
    fields: dict[str, Value] = {
        "file.name": f"contract-{content.hex()}.pdf",
        "file.size": size,
        "file.sha256": sha256.hexdigest(),
        "file.sha512": hashlib.sha512(content).hexdigest(),
        "file.media_type": "application/pdf",
        "submitter.name": ACCOUNT,
    }
    row = EvidenceRow(0, chain, ACCOUNT, sha256.digest(), size, False)
    return prepare(chain, "evidence.anchored", fields, projections=(row,))
