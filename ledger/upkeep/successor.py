"""A log that lost published entries never goes on: it is closed, and a successor names its last checkpoint.

Others hold receipts for the entries that are gone. Whatever the old keys signed at those indexes now would be a second
tree: a fork, made by an honest operator, and nobody could tell it from a dishonest one's.

    restore --closed        the old log's folder, to be read: nothing is appended or signed any more (`closed = true`)
    init --successor-of     a new log, another origin, keys of its own; entry 0 says in public what it succeeds

Entry 0 then has `predecessor` (docs/spec/entry.md): the old log's newest signed checkpoint, whole, and `held`, how many
of its entries the operator still has. So the loss is stated by the operator, once, where everybody reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.config import Settings, load_settings
from ledger.errors import ConfigError, LedgerError
from ledger.keys.key_folder import KeyFolder
from ledger.note.checkpoint import check_checkpoint
from ledger.store.sql_store import SqlStore

CLOSED = "the log is closed: it is only read any more, and a successor goes on"
"""Why a closed log takes nothing."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A closed log: its newest checkpoint, signed by its keys, and how many of its entries are still held."""

    checkpoint: bytes
    held: int


def read_predecessor(data: Path, origin: str) -> Predecessor:
    """The closed log in the folder `data`, whose successor is to be `origin`.

    Raises ConfigError where it is not closed, has no kept checkpoint of its own keys, or bears the same origin: two
    logs of one name would be two trees of one log.
    """
    settings = load_settings(data, {}, {})
    if not settings.closed:
        raise ConfigError("succeed a log: it is not closed; `evidence-ledger restore --closed` closes it", str(data))
    if settings.origin == origin:
        raise ConfigError(f"succeed a log: the successor needs another origin than {origin}", "origin")
    note = KeptCheckpoint(settings.kept).read()
    if note is None:
        raise ConfigError("succeed a log: it has no kept checkpoint", str(settings.kept))
    vkeys = [each.verifier_key for each in KeyFolder(data / "keys").log_signers(settings.origin)]
    try:
        check_checkpoint(note, vkeys)
    except LedgerError as error:
        raise ConfigError(f"succeed a log: its kept checkpoint is not its own: {error}", str(settings.kept)) from error
    return Predecessor(_own_lines(note, settings.origin), _held(settings))


def _own_lines(note: bytes, origin: str) -> bytes:
    """The note with the log's own signatures: with a hundred witnesses' it would not fit into a leaf."""
    text, _, lines = note.rpartition(b"\n\n")
    own = [line for line in lines.splitlines(keepends=True) if line.startswith(f"— {origin} ".encode())]
    return text + b"\n\n" + b"".join(own)


def _held(settings: Settings) -> int:
    store = SqlStore.open(settings.database)
    try:
        return store.head().size
    finally:
        store.close()
