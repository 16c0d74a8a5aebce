"""How a running ledger stands: whether it takes submissions and if not, why; its figures; its last backup.

Cheap: every probe asks, and none of it waits for anything but the database.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ledger.attest.schedule import Timestamping
from ledger.blobs.contract import BlobStore
from ledger.clock import Clock
from ledger.commit.sequencer import Sequencer
from ledger.config import Settings
from ledger.entry.canonical_json import parse
from ledger.entry.leaf import format_time, parse_time
from ledger.errors import LedgerError
from ledger.keys.key_folder import ED25519_FILE, MLDSA44_FILE
from ledger.metrics import State
from ledger.store.contracts import LogStore
from ledger.upkeep.backup_folder import LAST_BACKUP

FREE_BYTES_MIN: Final = 256 * 1024**2
"""Below it the server says that it is not ready: what it has taken still finds room, and people have time to act."""

COMMIT_SECONDS: Final = 10.0
"""A commit takes milliseconds. One that lasts longer waits for a standby that is away, or for a lock."""

_MANIFEST_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class LastBackup:
    """When the last backup was made (milliseconds), and how many entries it has."""

    made: int
    size: int


class Condition:
    """Of one process's ledger."""

    def __init__(
        self,
        settings: Settings,
        store: LogStore,
        sequencer: Sequencer,
        timestamping: Timestamping,
        blobs: BlobStore,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sequencer = sequencer
        self._timestamping = timestamping
        self._blobs = blobs
        self._clock = clock

    def readiness(self) -> list[str]:
        """What keeps this process from taking submissions, in words; empty when nothing does."""
        trouble = self._sequencer.trouble
        problems = [] if trouble is None else [f"the writer is recovering: {trouble.what}"]
        waited = self._sequencer.committing_seconds
        if trouble is None and waited > COMMIT_SECONDS:
            problems.append(f"a commit has waited for the database for {waited:.0f} s: is its standby there?")
        try:
            self._store.head()
        except LedgerError as error:
            problems.append(error.what)
        if (blobs := self._blobs.trouble()) is not None:
            problems.append(blobs)
        return problems + obstacles(self._settings)

    def status(self) -> dict[str, object]:
        """Figures for operators: sizes, the pool, each authority's last token. Raises UnavailableError."""
        head, published = self._store.head(), self._store.published()
        backup = last_backup(self._settings.data)
        return {
            "origin": self._settings.origin,
            "closed": self._settings.closed,
            "size": head.size,
            "root": head.root.hex(),
            "published_size": None if published is None else published[0],
            "waiting": self._sequencer.waiting,
            "timestamps": [asdict(each) for each in self._timestamping.status()],
            "last_backup": None if backup is None else format_time(backup.made),
            "problems": self.readiness(),
        }

    def state(self) -> State:
        """The figures of the moment, for Prometheus. Raises nothing: what cannot be asked is not known."""
        try:
            size, published = self._store.head().size, self._store.published()
        except LedgerError:
            size, published = None, None
        now, backup = self._clock.now_ms(), last_backup(self._settings.data)
        tokens = self._timestamping.status()
        return State(
            size,
            None if published is None else published[0],
            self._sequencer.waiting,
            not self.readiness(),
            None if backup is None else (now - backup.made) / 1000,
            {each.name: (now - each.last_success_ms) / 1000 for each in tokens if each.last_success_ms is not None},
            {each.name: each.failures for each in tokens},
            free_bytes(self._settings),
        )


def places(settings: Settings) -> dict[str, Path]:
    """The folders that fill up: `data`, `blobs` and `kept`, and the SQLite file's `database`."""
    found = {"data": settings.data, "blobs": settings.blobs, "kept": settings.kept}
    if settings.embedded:
        found["database"] = Path(settings.database.partition(":///")[2]).resolve().parent
    return found


def free_bytes(settings: Settings) -> dict[str, int]:
    """Bytes free to this account, by place; a place that cannot be looked at is left out."""
    found = {}
    for name, folder in places(settings).items():
        try:
            found[name] = shutil.disk_usage(folder).free
        except OSError:
            continue  # `obstacles` says so
    return found


def obstacles(settings: Settings) -> list[str]:
    """What on this machine keeps the ledger from taking submissions, or from starting again, in words."""
    free = free_bytes(settings)
    found = [f"the disk of {name} is full: {space >> 20} MiB are free" for name, space in free.items()
             if space < FREE_BYTES_MIN]  # fmt: skip
    found += [f"the folder of {name} cannot be looked at" for name in places(settings) if name not in free]
    for name in (ED25519_FILE, MLDSA44_FILE):
        if not os.access(settings.data / "keys" / name, os.R_OK):
            found.append(f"the key {name} cannot be read: this process goes on, the next one would not start")
    if not os.access(settings.kept, os.W_OK | os.X_OK):
        found.append("the folder of the kept checkpoint cannot be written to")
    return found


def last_backup(data: Path) -> LastBackup | None:
    """What the last `backup` left in DATA; None where there was none, or nothing that can be read."""
    try:
        with (data / LAST_BACKUP).open("rb") as file:
            said = parse(file.read(_MANIFEST_MAX).removesuffix(b"\n"), where=LAST_BACKUP)
        if isinstance(said, dict) and isinstance(said.get("made"), str) and isinstance(said.get("size"), int):
            return LastBackup(parse_time(str(said["made"])), int(str(said["size"])))
    except (OSError, LedgerError):
        return None
    return None
