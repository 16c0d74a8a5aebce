"""Put a backup back, unless that would lose what was published.

    1  manifest and digests                        what was written is what is here
    2  the database, copied beside its place       the backup itself is never opened: it may lie where nobody writes
       an older release's tables, upgraded         in the copy
    3  against the kept checkpoint                 an older database would lose entries that people hold receipts for
    4  the evidence files, each checked as it comes
    5  fsck of all of it
    6  what lay in the database's place is set aside, its write-ahead log too: beside a leftover `-wal`, SQLite would
       replay that log into the file that was restored
    7  the database takes its place; the settings are written where there were none

Nothing that is here is deleted. A crash before step 6 leaves what was there before, and `.restoring-<hex>` beside it;
one after it leaves no database, and the same command is given again.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import tomli_w

from ledger.blobs.durable_file import (
    DIRECTORY_MODE,
    FILE_MODE,
    make_directory_durably,
    replace_durably,
    sync_directory,
    sync_file,
    unavailable,
)  # fmt: skip
from ledger.blobs.opening import open_blobs
from ledger.clock import SystemClock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.recovery import check_against
from ledger.commit.signer import CheckpointSigner
from ledger.commit.writer_lock import WriterLock
from ledger.config import CONFIG_FILE, Settings, load_settings
from ledger.errors import ConfigError, CorruptError, RolledBackError
from ledger.keys.key_folder import KeyFolder
from ledger.store.database_copy import MakeTables, load_database, settle
from ledger.store.log_rows import Head
from ledger.store.sql_store import SqlStore
from ledger.upkeep import backup_folder as names
from ledger.upkeep.backup import PLACES, check_sound, copy_blob
from ledger.upkeep.backup_folder import Manifest, check_sums, listed, read_manifest
from ledger.upkeep.initialise import read_checkpoint, stated_places

_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps in a database's place, by what follows its name."""

_SUCCESSOR: Final = (
    "this log cannot go on. Look for a newer backup, or the true database. If there is none, close it: the same "
    "command with --closed; then `evidence-ledger init --origin ANOTHER-NAME --successor-of DATA` in another folder"
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What is back: `size` entries. `lost`: how many more were signed once; 0, unless the log was restored closed.

    `set_aside`: the folder into which what lay in the database's place was moved, if anything did.
    """

    origin: str
    size: int
    lost: int
    set_aside: Path | None


def restored_settings(source: Path, data: Path, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings under which the backup in `source` is restored into `data`: those that are there, or the backup's.

    Raises ConfigError, also for a folder of another log.
    """
    manifest = read_manifest(source)
    if (data / CONFIG_FILE).exists():
        settings = load_settings(data, options, environ)
    else:
        found = load_settings(source, options, environ)
        elsewhere = found.database != f"sqlite:///{source / 'ledger.db'}"  # an option or the environment says so
        settings = replace(
            found,
            data=data,
            database=found.database if elsewhere else f"sqlite:///{data / 'ledger.db'}",
            blobs=data / "blobs" if found.blobs == source / "blobs" else found.blobs,
            kept=data if found.kept == source else found.kept,
            policy=data / names.POLICY if (source / names.POLICY).exists() else None,
        )
    if settings.origin != manifest.origin:
        raise ConfigError(f"restore: the backup is of {manifest.origin}, the folder of {settings.origin}", str(data))
    return settings


def restore(
    source: Path,
    settings: Settings,
    make_tables: MakeTables,
    *,
    accept_checkpoint: Path | None = None,
    closed: bool = False,
) -> Restored:
    """Restore the backup in `source` as the ledger of `settings`, whose `keys/` are there already.

    `accept_checkpoint`: the newest checkpoint that the operator knows to be true, where none is kept. `closed`: to be
    read only; a successor goes on. Raises RolledBackError, with both checkpoints, where entries would be lost and it is
    not `closed`; ConfigError, CorruptError, MalformedError, UnavailableError; then what was there stands.
    """
    manifest = read_manifest(source)
    check_sums(source, manifest)
    accept = None if accept_checkpoint is None else read_checkpoint(accept_checkpoint)
    with unavailable("making the ledger's folder", settings.data):
        settings.data.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        settings.kept.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
    with _alone(settings), _staged(source, settings) as staged:
        work = _Restoring(source, settings, make_tables, staged)
        lost = work.check_past(manifest, accept, closed)
        if manifest.with_files:
            work.copy_files()
        work.check_all()
        set_aside = work.place()
        work.write_settings(closed)
    return Restored(manifest.origin, manifest.size, lost, set_aside)


def sqlite_place(settings: Settings) -> Path:
    """Where the SQLite database of these settings is, or will be."""
    return Path(settings.database.partition(":///")[2]).resolve()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """On SQLite no process may write meanwhile. On PostgreSQL an empty database is demanded."""
    if not settings.embedded:
        yield
        return
    lock = WriterLock(sqlite_place(settings))
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _staged(source: Path, settings: Settings) -> Iterator[Path]:
    """A copy of the backup's database, in a folder beside its place: one renaming puts it there."""
    beside = sqlite_place(settings).parent if settings.embedded else settings.data
    folder = beside / f".restoring-{secrets.token_hex(8)}"
    with unavailable("copying the backup's database", folder):
        folder.mkdir(DIRECTORY_MODE)
    try:
        with unavailable("copying the backup's database", folder):
            (folder / names.DATABASE).touch(FILE_MODE, exist_ok=False)
            shutil.copyfile(source / names.DATABASE, folder / names.DATABASE)
        yield folder / names.DATABASE
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Restoring:
    def __init__(self, source: Path, settings: Settings, make_tables: MakeTables, staged: Path) -> None:
        self._source = source
        self._settings = settings
        self._make_tables = make_tables
        self._staged = staged
        self._url = f"sqlite:///{staged}"
        signers = KeyFolder(settings.data / "keys").log_signers(settings.origin)
        self._signer = CheckpointSigner(settings.origin, *signers, KeptCheckpoint(settings.kept), SystemClock())

    def check_past(self, manifest: Manifest, accept: bytes | None, closed: bool) -> int:
        """Steps 2 and 3. Returns how many signed entries the backup lacks."""
        SqlStore.upgrade(self._url)
        store = SqlStore.open(self._url)
        try:
            head = store.head()
            if (head.size, head.root.hex()) != (manifest.size, manifest.root):
                raise CorruptError("restore: the backup's database is not the one that its manifest names")
            lost = 0 if accept is None else self._lost(store, head, accept, "the accepted checkpoint", closed)
            kept = self._signer.kept.read()
            if kept is not None:
                lost = max(lost, self._lost(store, head, kept, "the kept checkpoint", closed))
            if accept is not None:
                self._signer.kept.advance(accept)
        finally:
            store.close()
        if kept is None and accept is None:
            raise ConfigError(
                "restore: no kept checkpoint, so nobody could tell whether entries would be lost that people hold "
                "receipts for; give the newest one that you know, from a receipt, a bundle or another machine, with "
                "--accept-checkpoint",
                str(self._signer.kept.path),
            )
        return lost

    def _lost(self, store: SqlStore, head: Head, note: bytes, what: str, closed: bool) -> int:
        try:
            check_against(store, self._signer, head, note, what)
        except RolledBackError as error:
            size = self._signer.check(note).size
            if size <= head.size:
                raise  # a fork: the backup is of another log under our keys, and nothing makes that good
            if closed:
                return size - head.size
            raise RolledBackError(
                f"restore: the backup has {head.size} entries, {what} has size {size}: {size - head.size} entries "
                f"would be lost, and people may hold receipts for them. {_SUCCESSOR}",
                str(self._source),
                error.evidence,
            ) from error
        return 0

    def copy_files(self) -> None:
        """Step 4. The backup's files are read where they lie: nothing is made or cleaned up in a backup."""
        with closing(open_blobs(self._settings)) as target:
            for name, digest in listed(self._source):
                if name.startswith(f"{names.BLOBS}/"):
                    path = self._source / name
                    with unavailable("reading a backup's file", path), path.open("rb") as stream:
                        copy_blob(stream, target, bytes.fromhex(digest))

    def check_all(self) -> None:
        """Step 5."""
        self._check(self._url)

    def _check(self, database: str) -> None:
        """fsck, against a checkpoint that belongs to this database: a closed log's kept one is newer."""
        with tempfile.TemporaryDirectory(prefix="kept-") as kept:
            KeptCheckpoint(Path(kept)).advance((self._source / names.CHECKPOINT).read_bytes())
            check_sound(replace(self._settings, database=database, kept=Path(kept)), "restore: it is not sound")

    def place(self) -> Path | None:
        """Steps 6 and 7. PostgreSQL takes the rows in one transaction, and is then read again, all of it."""
        settle(self._staged)
        if not self._settings.embedded:
            load_database(self._staged, self._settings.database, self._make_tables)
            self._check(self._settings.database)
            return None
        sync_file(self._staged)
        file = sqlite_place(self._settings)
        aside = _set_aside(file)
        with unavailable("placing the database", file):
            self._staged.rename(file)
        sync_directory(file.parent)
        return aside

    def write_settings(self, closed: bool) -> None:
        """The backup's settings where there are none; where there are, what this restore was told otherwise."""
        path = self._settings.data / CONFIG_FILE
        with unavailable("writing the settings", path):
            if path.exists():
                before = tomllib.loads(path.read_text(encoding="utf-8"))
            else:
                before = None
                self._write_trusted()
            found = before or tomllib.loads((self._source / CONFIG_FILE).read_text(encoding="utf-8"))
            values = {name: value for name, value in found.items() if name not in PLACES}
            values |= stated_places(self._settings) | ({"closed": True} if closed else {})
            if values != before:
                replace_durably(path, tomli_w.dumps(values).encode())

    def _write_trusted(self) -> None:
        authorities = self._source / names.AUTHORITIES
        for pem in sorted(authorities.glob("*.pem")) if authorities.is_dir() else ():
            make_directory_durably(self._settings.data / names.AUTHORITIES)
            replace_durably(self._settings.data / names.AUTHORITIES / pem.name, pem.read_bytes())
        if self._settings.policy is not None:
            replace_durably(self._settings.policy, (self._source / names.POLICY).read_bytes())


def _set_aside(file: Path) -> Path | None:
    """Move the database that is in this place away, the file first: without it nothing starts on a part of it."""
    present = [path for end in _BESIDE if (path := file.with_name(file.name + end)).exists()]
    if not present:
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = file.parent / f"replaced-{stamp}-{secrets.token_hex(2)}"
    make_directory_durably(folder)
    with unavailable("setting the old database aside", folder):
        for path in present:
            path.rename(folder / path.name)
    sync_directory(folder)
    sync_directory(file.parent)
    return folder
