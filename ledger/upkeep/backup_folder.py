"""A backup as it lies in its folder (docs/operations.md): names, the manifest, and the list of digests.

    backup.json    the manifest: canonical JSON, one line
    SHA256SUMS     a line for every other file, as `sha256sum -c` reads them; a blob's digest is its name
    ledger.db      the whole database as it stood at one moment, accounts too, as SQLite
    checkpoint     the newest signed checkpoint of that moment
    config.toml    the settings, without the places of one machine: database, blobs, kept, policy
    policy         the operator's policy, where there is one
    tsa/           the authorities' certificates
    blobs/         the evidence files, named as in DATA

Not in it: `keys/`, which are kept apart, and the kept checkpoint, which must not be rolled back with the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from ledger.blobs.durable_file import FILE_MODE, sync_directory, sync_file, unavailable, write_durably
from ledger.entry.canonical_json import Value, parse, serialise
from ledger.errors import CorruptError, LedgerError, MalformedError

MANIFEST: Final = "backup.json"
SUMS: Final = "SHA256SUMS"
DATABASE: Final = "ledger.db"
CHECKPOINT: Final = "checkpoint"
POLICY: Final = "policy"
AUTHORITIES: Final = "tsa"
BLOBS: Final = "blobs"
VERSION: Final = 1
LAST_BACKUP: Final = "last-backup"
"""A file in DATA: when the last backup was made, of how many entries. For `status`; nothing depends on it."""

# A dozen short values.
_MANIFEST_MAX: Final = 64 * 1024
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)\n")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of.

    made        -- when, by the operator's clock (docs/spec/canonical-json.md)
    program     -- the release that made it; `tables`: the version of its tables
    size, root  -- the log's entries, and their tree's root in hex
    files       -- evidence files, and `bytes` their sizes together; `with_files`: whether they are in it
    sums        -- the SHA-256 of SHA256SUMS, in hex
    """

    origin: str
    size: int
    root: str
    made: str
    program: str
    tables: str
    with_files: bool
    files: int
    bytes: int
    sums: str
    v: int = VERSION


class SumsWriter:
    """Writes SHA256SUMS line by line: a country's evidence is too many files to list in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = sha256()
        with unavailable("listing a backup's files", folder / SUMS):
            (folder / SUMS).touch(FILE_MODE, exist_ok=False)
            self._file = (folder / SUMS).open("wb")

    def add(self, name: str, digest: str) -> None:
        """A file whose digest (hex) is known."""
        line = f"{digest}  {name}\n".encode("ascii")
        self._digest.update(line)
        with unavailable("listing a backup's files", self._folder / SUMS):
            self._file.write(line)

    def add_file(self, name: str) -> None:
        """A file that is to be read."""
        self.add(name, digest_of(self._folder / name))

    def finish(self) -> str:
        """The list is durable; returns its own SHA-256 in hex."""
        with unavailable("listing a backup's files", self._folder / SUMS):
            self._file.close()
        sync_file(self._folder / SUMS)
        sync_directory(self._folder)
        return self._digest.hexdigest()

    def close(self) -> None:
        """Let go of the file; harmless after `finish`."""
        self._file.close()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last file of a backup: where it stands, all others do."""
    values: dict[str, Value] = asdict(manifest)
    write_durably(folder / MANIFEST, serialise(values) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Raises MalformedError where there is none, or one that this program does not read."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(_MANIFEST_MAX + 1)
    except OSError as error:
        raise MalformedError(f"read the backup: {(error.strerror or str(error)).lower()}", str(path)) from error
    try:
        values = parse(data.removesuffix(b"\n")[:_MANIFEST_MAX], where=MANIFEST)
    except LedgerError as error:
        raise MalformedError(f"read the backup: {error}", str(path)) from error
    if not isinstance(values, dict) or values.get("v") != VERSION:
        raise MalformedError(f"read the backup: expected a manifest of version {VERSION}", str(path))
    expected = dict(Manifest.__annotations__)  # as text
    if {name: type(value).__name__ for name, value in values.items()} != expected:
        raise MalformedError(f"read the backup: expected exactly {', '.join(expected)}", str(path))
    return Manifest(**values)  # their kinds were compared above


def check_sums(folder: Path, manifest: Manifest) -> None:
    """Every file but the blobs is what the backup wrote, the list of them too; blobs are checked as they are read.

    Raises CorruptError naming what is not, MalformedError for a list that is none.
    """
    if digest_of(folder / SUMS) != manifest.sums:
        raise CorruptError(f"read the backup: expected sha256 {manifest.sums}, found another", str(folder / SUMS))
    for name, digest in listed(folder):
        if not name.startswith(f"{BLOBS}/") and digest_of(folder / name) != digest:
            raise CorruptError(f"read the backup: expected sha256 {digest}, found another", str(folder / name))


def listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and digest (hex) of every file in the list. Raises MalformedError."""
    with unavailable("reading a backup's list", folder / SUMS), (folder / SUMS).open(encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise MalformedError(f"read the backup: expected a digest and a name in line {number}", SUMS)
            yield match[2], match[1]


def digest_of(path: Path) -> str:
    """A file's SHA-256 in hex, read in constant memory. Raises UnavailableError."""
    with unavailable("reading a backup's file", path), path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
