"""Back up a ledger while it serves: one moment of the database, then the files that its entries name.

    1  the database is copied as it stood at one moment       whatever is appended afterwards is not in the backup
    2  settings, policy and the authorities' certificates
    3  every evidence file that an entry of the copy names    after the database, never before it
    4  all of it is checked: fsck on what was written
    5  the list of digests, the manifest, and the name

Step 3 comes after step 1 because a file is durable before its entry is committed and never changes: every entry of the
copy has its file by then. The other way round a file anchored in between would have an entry and no bytes. What may
disappear in between is a file that is erased; then the backup holds what was ordered to be gone, and is not made.

Everything is written into a folder without a name that counts, synced, and renamed at the end. A crash leaves
`.NAME.<16 hex>` beside OUT, to be deleted, and no backup.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import BinaryIO, Final

import tomli_w

from ledger.blobs.contract import BlobStore
from ledger.blobs.directory_blobs import INCOMING, DirectoryBlobs
from ledger.blobs.double_digest import BLOCK_BYTES
from ledger.blobs.durable_file import (
    DIRECTORY_MODE,
    FILE_MODE,
    make_directory_durably,
    replace_durably,
    sync_directory,
    sync_file,
    unavailable,
    write_durably,
)  # fmt: skip
from ledger.blobs.opening import open_blobs
from ledger.clock import Clock, SystemClock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.config import CONFIG_FILE, Settings
from ledger.entry.canonical_json import serialise
from ledger.entry.leaf import format_time
from ledger.errors import ConfigError, ConflictError, CorruptError, NotFoundError, UnavailableError
from ledger.store.database_copy import MakeTables, copy_database, settle
from ledger.store.sql_store import SqlStore
from ledger.upkeep import backup_folder as names
from ledger.upkeep.backup_folder import Manifest, SumsWriter, write_manifest
from ledger.upkeep.fsck import fsck

# Where things lie on this machine is not restored on another; with it goes the database's password.
PLACES: Final = ("database", "blobs", "kept", "policy")
_FINDINGS_SHOWN: Final = 5


def back_up(
    settings: Settings, out: Path, make_tables: MakeTables, *, with_files: bool = True, clock: Clock | None = None
) -> Manifest:
    """Write a backup of the ledger to the folder `out`, which is not there, or empty. Durable when this returns.

    `with_files` False leaves the evidence files out, for whoever keeps them in a store with backups of its own.
    Raises ConflictError for a folder that holds something, CorruptError where what was written is not sound,
    UnavailableError (a full disk, a database that is gone, a file erased meanwhile); then no backup is left.
    """
    clock = SystemClock() if clock is None else clock
    with _appearing(out) as folder:
        manifest = _Writing(settings, folder, make_tables, with_files).run(format_time(clock.now_ms()))
    note = serialise({"made": manifest.made, "size": manifest.size}) + b"\n"
    replace_durably(settings.data / names.LAST_BACKUP, note)
    return manifest


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A new folder that takes the name `out` at the end of the block, or is gone."""
    target = Path(os.path.realpath(out))
    with unavailable("making a backup's folder", target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ConflictError("back up: expected a folder that is empty or not there", str(out))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
        partial.mkdir(DIRECTORY_MODE)
    try:
        yield partial
        with unavailable("naming a backup", target):
            partial.rename(target)
        sync_directory(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


class _Writing:
    def __init__(self, settings: Settings, folder: Path, make_tables: MakeTables, with_files: bool) -> None:
        self._settings = settings
        self._folder = folder
        self._make_tables = make_tables
        self._with_files = with_files
        self._url = f"sqlite:///{folder / names.DATABASE}"
        self._sums = SumsWriter(folder)
        self._files = 0
        self._bytes = 0

    def run(self, made: str) -> Manifest:
        try:
            self._copy_database()
            copy = SqlStore.open(self._url)
            try:
                head, tables = copy.head(), copy.revision() or ""
                note = self._checkpoint(copy)
                self._write_settings()
                if self._with_files:
                    self._copy_files(copy)
            finally:
                copy.close()
            self._check(note)
            self._seal_database()
            sums = self._sums.finish()
        finally:
            self._sums.close()
        manifest = Manifest(
            self._settings.origin, head.size, head.root.hex(), made, metadata.version("evidence-ledger"), tables,
            self._with_files, self._files, self._bytes, sums,
        )  # fmt: skip
        write_manifest(self._folder, manifest)
        return manifest

    def _copy_database(self) -> None:
        file = self._folder / names.DATABASE
        with unavailable("making a backup's file", file):
            file.touch(FILE_MODE, exist_ok=False)  # SQLite would make it for everybody to read
        copy_database(self._settings.database, file, self._make_tables)

    def _checkpoint(self, copy: SqlStore) -> bytes:
        newest = copy.newest_checkpoint()
        if newest is None:
            raise ConfigError("back up: the log has no checkpoint: `evidence-ledger init` did not finish")
        self._write(names.CHECKPOINT, newest[1])
        return newest[1]

    def _write(self, name: str, data: bytes) -> None:
        write_durably(self._folder / name, data)
        self._sums.add_file(name)

    def _write_settings(self) -> None:
        with unavailable("reading the settings", self._settings.data):
            values = tomllib.loads((self._settings.data / CONFIG_FILE).read_text(encoding="utf-8"))
            if self._settings.policy is not None:
                self._write(names.POLICY, self._settings.policy.read_bytes())
            # Files that stay where they are must be found there again.
            left_out = PLACES if self._with_files else tuple(name for name in PLACES if name != "blobs")
            self._write(CONFIG_FILE, tomli_w.dumps({k: v for k, v in values.items() if k not in left_out}).encode())
            authorities = self._settings.data / names.AUTHORITIES
            if authorities.is_dir():
                make_directory_durably(self._folder / names.AUTHORITIES)
                for setting in self._settings.tsa:
                    path = authorities / f"{setting.name}.pem"
                    self._write(f"{names.AUTHORITIES}/{path.name}", path.read_bytes())

    def _copy_files(self, copy: SqlStore) -> None:
        target = DirectoryBlobs(self._folder / names.BLOBS)
        with closing(open_blobs(self._settings)) as source:
            for row in copy.stored_evidence():
                # Several entries may name one file; what is here already tells it, without a list in memory.
                if row.stored and row.sha256 is not None and not target.exists(row.sha256):
                    self._copy_file(source, target, row.sha256)
        with unavailable("finishing the files of a backup", self._folder):
            (self._folder / names.BLOBS / INCOMING).rmdir()

    def _copy_file(self, source: BlobStore, target: DirectoryBlobs, sha256: bytes) -> None:
        try:
            with source.open(sha256) as stream:
                self._bytes += copy_blob(stream, target, sha256)
        except NotFoundError as error:
            raise self._missing(sha256, error) from error
        self._files += 1
        name = sha256.hex()
        self._sums.add(f"{names.BLOBS}/{name[:2]}/{name[2:4]}/{name}", name)

    def _missing(self, sha256: bytes, error: NotFoundError) -> Exception:
        live = SqlStore.open(self._settings.database)
        try:
            if live.stored_like(sha256):
                return CorruptError(f"back up: a file is missing; `fsck` says whose: {error.what}", error.where)
        finally:
            live.close()
        return UnavailableError("back up: a file was erased meanwhile, begin anew", error.where)

    def _check(self, note: bytes) -> None:
        """fsck on what was written, measured against its own checkpoint: the server's kept one has moved on."""
        with tempfile.TemporaryDirectory(prefix="kept-") as kept:
            KeptCheckpoint(Path(kept)).advance(note)
            written = replace(self._settings, database=self._url, kept=Path(kept))
            if self._with_files:
                written = replace(written, blobs=self._folder / names.BLOBS, blobs_url=None)
            check_sound(written, "back up: what was written is not sound")

    def _seal_database(self) -> None:
        with unavailable("finishing the files of a backup", self._folder):
            incoming = self._folder / names.BLOBS / INCOMING
            if self._with_files and incoming.is_dir():
                incoming.rmdir()  # opening the store for fsck made it again
        settle(self._folder / names.DATABASE)
        sync_file(self._folder / names.DATABASE)
        self._sums.add_file(names.DATABASE)


def copy_blob(stream: BinaryIO, target: BlobStore, sha256: bytes) -> int:
    """Copy a blob durably; returns its size. Raises CorruptError where its bytes are not its name's."""
    with target.receive() as writer:
        while block := stream.read(BLOCK_BYTES):
            writer.write(block)
        found = writer.measure()
        if found.sha256 != sha256:
            raise CorruptError(f"copy a file: expected sha256 {sha256.hex()}, found {found.sha256.hex()}")
        return writer.finish().size


def check_sound(settings: Settings, act: str) -> None:
    """Raises CorruptError with the first findings of fsck, if there are any."""
    findings = [f"{each.where}: {each.what}" for each in fsck(settings)]
    if findings:
        shown = "; ".join(findings[:_FINDINGS_SHOWN])
        raise CorruptError(f"{act}, findings: {len(findings)}: {shown}")
