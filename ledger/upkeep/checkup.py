"""What `doctor` says of a ledger that is there: each thing looked at, how it is, and what of it is not as it should be.

It reads only, and works beside a server.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from ledger.blobs.opening import open_blobs
from ledger.clock import Clock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.config import Settings
from ledger.entry.leaf import parse_leaf, parse_time
from ledger.errors import LedgerError
from ledger.keys.key_folder import KeyFolder
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.database_look import look
from ledger.store.sql_store import SqlStore
from ledger.upkeep.condition import FREE_BYTES_MIN, last_backup, places
from ledger.upkeep.diagnosis import Diagnosis, Outcome

CLOCK_TOLERANCE_MS: Final = 5_000
"""docs/spec/entry.md: a claimed time that is further than this from the proven one is a contradiction, and shown."""

BACKUP_DAYS: Final = 7
"""A backup older than this is named: whoever wants fewer has a monitor on `evidence_ledger_backup_age_seconds`."""

_DAY_MS: Final = 24 * 3_600 * 1_000


def check_up(settings: Settings, clock: Clock) -> Iterator[Diagnosis]:
    """Every diagnosis, one after another: what cannot be looked at is one that failed."""
    yield from _guarded("keys", lambda: _keys(settings))
    yield from _guarded("free space", lambda: _space(settings))
    yield from _guarded("kept checkpoint", lambda: _kept(settings))
    yield from _guarded("evidence files", lambda: _blobs(settings))
    yield from _guarded("backup", lambda: _backup(settings, clock))
    try:
        store = SqlStore.open(settings.database)
    except LedgerError as error:
        yield Diagnosis("failed", "database", str(error))
        return
    try:
        yield from _guarded("database", lambda: _database(store, settings))
        yield from _guarded("clock", lambda: _clocks(store, settings))
    finally:
        store.close()


def _guarded(subject: str, check: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    try:
        yield from check()
    except (LedgerError, OSError) as error:
        yield Diagnosis("failed", subject, str(error))


def _keys(settings: Settings) -> Iterator[Diagnosis]:
    folder = settings.data / "keys"
    KeyFolder(folder).log_signers(settings.origin)
    shown = [path.name for path in (folder, *sorted(folder.iterdir())) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if shown:
        yield Diagnosis("failed", "keys", f"open to other accounts of this machine: {', '.join(shown)}; chmod go= them")
    else:
        yield Diagnosis("ok", "keys", "readable for this account alone")


def _space(settings: Settings) -> Iterator[Diagnosis]:
    for name, folder in places(settings).items():
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        outcome: Diagnosis = Diagnosis("ok", f"space of {name}", f"{free / 1024**3:.1f} GiB free in {folder}")
        if free < FREE_BYTES_MIN:
            outcome = Diagnosis("failed", outcome.subject, f"{outcome.detail}; the server says that it is not ready")
        yield outcome


def _kept(settings: Settings) -> Iterator[Diagnosis]:
    kept = KeptCheckpoint(settings.kept)
    note = kept.read()
    if note is None:
        yield Diagnosis("failed", "kept checkpoint", f"none in {settings.kept}: a rollback could not be seen")
        return
    size = parse_checkpoint(parse_note(note).text).size
    detail = f"size {size}, in {settings.kept}"
    beside = _database_folder(settings)
    if beside is not None and settings.kept.stat().st_dev == beside.stat().st_dev:
        detail += "; on the database's own disk: what rolls one back rolls back both (--kept)"
    yield Diagnosis("ok", "kept checkpoint", detail)


def _blobs(settings: Settings) -> Iterator[Diagnosis]:
    with closing(open_blobs(settings)) as blobs:
        trouble = blobs.trouble()
    where = settings.blobs_url or str(settings.blobs)
    yield (
        Diagnosis("ok", "evidence files", where) if trouble is None else Diagnosis("failed", "evidence files", trouble)
    )


def _database_folder(settings: Settings) -> Path | None:
    return places(settings).get("database")


def _backup(settings: Settings, clock: Clock) -> Iterator[Diagnosis]:
    known = last_backup(settings.data)
    if known is None:
        yield Diagnosis("missing", "backup", "none is known to have been made by `evidence-ledger backup`")
        return
    days = (clock.now_ms() - known.made) / _DAY_MS
    outcome = f"{days:.1f} days old, of {known.size} entries"
    yield Diagnosis("missing" if days > BACKUP_DAYS else "ok", "backup", outcome)


def _database(store: SqlStore, settings: Settings) -> Iterator[Diagnosis]:
    found = look(store.engine)
    said = ", ".join(f"{name}={value}" for name, value in found.settings.items() if value)
    yield Diagnosis("ok", "database", f"{found.version}, tables of version {store.revision()}, {said}")
    if found.standbys is not None:
        detail = "; ".join(found.standbys) or "none: an acknowledged entry is on one machine only"
        if found.standbys and not found.synchronous:
            detail += "; none that commits wait for"
        missed: Outcome = "missing"
        if settings.synchronous_standby and not found.settings["synchronous_standby_names"].strip():
            missed, detail = "failed", f"required by synchronous_standby, and commits wait for none; {detail}"
        yield Diagnosis("ok" if found.synchronous else missed, "standby", detail)
        rights = store.missing_rights()
        if rights is not None:
            yield Diagnosis("missing", "rights", rights)


def _clocks(store: SqlStore, settings: Settings) -> Iterator[Diagnosis]:
    """The claimed time of a token's entry beside the token's own: an entry is made within the second."""
    independent = {setting.name for setting in settings.tsa}
    for name in store.authorities():
        row = store.last_timestamp(name)
        entry = None if row is None else store.entry(row.index)
        if row is None or entry is None:
            continue
        off = parse_time(parse_leaf(entry.leaf).time) - row.gen_time
        detail = f"at the last token {off / 1000:+.1f} s from {name}'s"
        if name not in independent:
            detail += ", which is this machine's own"
        wrong = abs(off) > CLOCK_TOLERANCE_MS
        yield Diagnosis("failed" if wrong else "ok", "clock", detail)
