"""Make a log: keys, configuration, tables, the kept checkpoint of size 0, then entry 0. In this order.

A crash anywhere leaves something that the next `init` goes on from; a log that has entries is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tomli_w

from ledger.attest.development_tsa import create_development_authority
from ledger.blobs.durable_file import make_directory_durably, replace_durably
from ledger.blobs.opening import open_blobs
from ledger.clock import Clock, SystemClock
from ledger.commit.batch import commit_batch
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.commit.note_slots import newest_note
from ledger.commit.prepared import Prepared, new_chain
from ledger.commit.recovery import recover
from ledger.commit.signer import CheckpointSigner
from ledger.config import CONFIG_FILE, Settings
from ledger.entry.canonical_json import Value
from ledger.errors import ConfigError, ConflictError, LedgerError, RolledBackError
from ledger.keys.key_folder import DEVELOPMENT_FILES, KeyFolder
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.keys import format_vkey
from ledger.note.signed_note import parse_note
from ledger.store.log_rows import Head
from ledger.store.sql_store import SqlStore
from ledger.upkeep.successor import Predecessor, read_predecessor

FORMAT_VERSION = 1
"""The version of the formats in docs/spec, stated in entry 0."""


def initialise(
    settings: Settings,
    *,
    join: bool = False,
    accept_checkpoint: Path | None = None,
    successor_of: Path | None = None,
    clock: Clock | None = None,
) -> None:
    """Make the log that `settings` describe, or with `join` a further front end of one that exists. `successor_of`: the
    data folder of a closed log, which the new one names in entry 0 (ledger.upkeep.successor).

    Raises ConflictError where a log is here already, or the database has entries and `join` is not given;
    RolledBackError where the database is empty and a checkpoint of entries is kept: the log that it belongs to is gone,
    and another one under its keys would be a fork; ConfigError where `join` lacks the keys or the checkpoint.
    """
    clock = SystemClock() if clock is None else clock
    before = None if successor_of is None else read_predecessor(successor_of, settings.origin)
    _make_folders(settings)
    _check_blobs(settings)
    keys = KeyFolder(settings.data / "keys")
    kept = KeptCheckpoint(settings.kept)
    if join:
        _join(settings, keys, kept, clock, accept_checkpoint)
        return
    store = SqlStore.create(settings.database)
    try:
        if store.has_entries():
            raise ConflictError(
                "make a log: the database has one already; another front end joins it with --join",
                settings_place(settings),
            )
        _check_no_past(kept)
        keys.create_log_keys()
        create_development_files(keys, clock)
        signer = CheckpointSigner(settings.origin, *keys.log_signers(settings.origin), kept, clock)
        _write_config(settings)
        # The kept checkpoint comes before entry 0: there is no moment at which entries exist that nobody vouches for.
        signer.seal(store, store.head())
        _write_entry_0(settings, store, signer, clock, before)
    finally:
        store.close()


def settings_place(settings: Settings) -> str:
    """The database's address as it may be shown: without a password."""
    scheme, _, rest = settings.database.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def create_development_files(keys: KeyFolder, clock: Clock) -> None:
    """The embedded development authority's key and certificates, where they are missing."""
    if all(keys.has(name) for name in DEVELOPMENT_FILES):
        return
    # A crash came between: whatever is there has stamped nothing, for there is no log yet.
    for name in DEVELOPMENT_FILES:
        keys.discard(name)
    made = create_development_authority(clock.now_ms())
    for name, data in zip(DEVELOPMENT_FILES, (made.key_pem, made.signer_pem, made.root_pem), strict=True):
        keys.write(name, data)


def _check_no_past(kept: KeptCheckpoint) -> None:
    note = kept.read()
    if note is None:
        return
    try:
        text = parse_note(note).text
        size = parse_checkpoint(text).size
    except LedgerError as error:
        raise ConfigError(f"make a log: the kept checkpoint is malformed: {error.what}", str(kept.path)) from error
    if size > 0:
        raise RolledBackError(
            f"make a log: a checkpoint of size {size} is kept, and the database is empty: its log is gone",
            str(kept.path),
            [text],
        )


def _make_folders(settings: Settings) -> None:
    try:
        for folder in (settings.data, settings.blobs, settings.kept):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_directory_durably(folder)
    except OSError as error:
        raise ConfigError(f"make a log: {error.strerror}", str(error.filename)) from error


def _check_blobs(settings: Settings) -> None:
    """A log whose store of blobs does not work is not made: nobody could anchor a file in it."""
    blobs = open_blobs(settings)
    try:
        trouble = blobs.trouble()
    finally:
        blobs.close()
    if trouble is not None:
        raise ConfigError(f"make a log: {trouble}", "blobs")


def _write_entry_0(
    settings: Settings, store: SqlStore, signer: CheckpointSigner, clock: Clock, before: Predecessor | None
) -> None:
    public: dict[str, Value] = {
        "origin": settings.origin,
        "v": FORMAT_VERSION,
        "vkeys": [format_vkey(key) for key in signer.vkeys],
    }
    if before is not None:
        public["predecessor"] = {"checkpoint": before.checkpoint.decode("utf-8"), "held": before.held}
    opened = Prepared(new_chain(), "log.opened", public=public, expected_acts=0)
    edge, outcomes = commit_batch(store, [[opened]], None, clock.now_ms())
    if isinstance(outcomes[0], LedgerError):
        raise outcomes[0]
    signer.seal(store, Head(edge.size, edge.frontier.root(), edge.frontier.to_bytes()))


def _join(
    settings: Settings, keys: KeyFolder, kept: KeptCheckpoint, clock: Clock, accept_checkpoint: Path | None
) -> None:
    if accept_checkpoint is None:
        raise ConfigError("join a log: a checkpoint that you know to be true is needed: --accept-checkpoint FILE")
    store = SqlStore.open(settings.database)
    try:
        if not store.has_entries():
            raise ConfigError("join a log: the database has no entries", settings_place(settings))
        signer = CheckpointSigner(settings.origin, *keys.log_signers(settings.origin), kept, clock)
        recover(store, signer, read_checkpoint(accept_checkpoint))
        _write_config(settings)
    finally:
        store.close()


def read_checkpoint(path: Path) -> bytes:
    """A signed note out of a file: of its own, or one that another machine keeps. Raises ConfigError."""
    try:
        return newest_note(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"read the checkpoint to accept: {error.strerror}", str(path)) from error
    except LedgerError as error:
        raise ConfigError(f"read the checkpoint to accept: {error.what}", str(path)) from error


def _write_config(settings: Settings) -> None:
    """`config.toml`; what lies inside DATA is left out, so that DATA may be moved."""
    values: Mapping[str, object] = {
        "origin": settings.origin,
        **stated_places(settings),
        "tsa": [f"{each.name}={each.url}" for each in settings.tsa] or None,
        "tsa_interval": None if settings.tsa_interval == 60 else settings.tsa_interval,
        "public_url": settings.public_url,
    }
    kept = {name: value for name, value in values.items() if value is not None}
    replace_durably(settings.data / CONFIG_FILE, tomli_w.dumps(kept).encode())


def stated_places(settings: Settings) -> dict[str, str]:
    """Where things lie, as `config.toml` says it: what is not where it would be looked for anyway."""
    places = {
        "database": _database(settings),
        "blobs": settings.blobs_url or _blobs(settings),
        "kept": None if settings.kept == settings.data else _path(settings, settings.kept),
        "policy": _path(settings, settings.policy) if settings.policy else None,
    }
    return {name: place for name, place in places.items() if place is not None}


def _blobs(settings: Settings) -> str | None:
    return None if settings.blobs == settings.data / "blobs" else _path(settings, settings.blobs)


def _path(settings: Settings, path: Path) -> str:
    """Relative where it lies inside DATA, so that DATA may be moved; absolute elsewhere."""
    path, data = path.resolve(), settings.data.resolve()
    return str(path.relative_to(data) if path.is_relative_to(data) else path)


def _database(settings: Settings) -> str | None:
    """None for the default; another SQLite file by its absolute path, whatever the working directory will be."""
    prefix, file = "sqlite:///", settings.database.removeprefix("sqlite:///")
    if not settings.database.startswith(prefix):
        return settings.database
    path = Path(file).resolve()
    return None if path == (settings.data / "ledger.db").resolve() else f"{prefix}{path}"
