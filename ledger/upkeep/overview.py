"""What commands read beside a running server: how the log stands, and its trust folder. Nothing here writes.

A second `Ledger` could not be opened: on SQLite one process writes, and opening means recovering.
"""

from __future__ import annotations

from ledger.attest.authorities import load_anchors, load_development_authority
from ledger.blobs.opening import open_blobs
from ledger.clock import Clock
from ledger.commit.kept_checkpoint import KeptCheckpoint
from ledger.config import Settings
from ledger.entry.leaf import format_time
from ledger.errors import LedgerError
from ledger.keys.key_folder import KeyFolder
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.store.sql_store import SqlStore
from ledger.upkeep.condition import last_backup, obstacles
from ledger.upkeep.trust_copy import read_policy, trust_files


def overview(settings: Settings) -> dict[str, object]:
    """Sizes and roots of the committed and of the published log; with blobs in a bucket, how many removed files its
    locks still keep, and the day on which the first of them ends; what is kept outside of the database, the last
    backup, and what is wrong with this machine. None: not there. Raises ConfigError, UnavailableError.
    """
    kept, backup = KeptCheckpoint(settings.kept).read(), last_backup(settings.data)
    store = SqlStore.open(settings.database)
    try:
        head = store.head()
        published = store.published()
        return {
            "origin": settings.origin,
            "size": head.size,
            "root": head.root.hex(),
            "published_size": None if published is None else published[0],
            "kept_size": None if kept is None else parse_checkpoint(parse_note(kept).text).size,
            "closed": settings.closed,
            "tables": store.revision(),
            "last_backup": None if backup is None else format_time(backup.made),
            "problems": obstacles(settings),
            "tokens": [_token(store, name) for name in store.authorities()],
            **_retained(settings),
        }
    finally:
        store.close()


def _token(store: SqlStore, authority: str) -> dict[str, object]:
    """The last token of this authority: when it stamped, and how many entries."""
    row = store.last_timestamp(authority)
    if row is None:
        return {"authority": authority}
    return {"authority": authority, "time": format_time(row.gen_time), "size": row.size}


def _retained(settings: Settings) -> dict[str, object]:
    if settings.blobs_url is None:
        return {}
    blobs = open_blobs(settings)
    try:
        retained = blobs.retained()
    except LedgerError as error:  # how the log stands is told also where the bucket is out of reach
        return {"retained_files": f"not known: {error.what}"}
    finally:
        blobs.close()
    ends = [each.until for each in retained if each.until is not None]
    return {"retained_files": len(retained), "next_retention_end": format_time(min(ends))[:10] if ends else None}


def trust_folder(settings: Settings, clock: Clock) -> dict[str, bytes]:
    """The trust folder as the operator states it: relative name to bytes. Raises ConfigError."""
    keys = KeyFolder(settings.data / "keys")
    vkeys = [signer.verifier_key for signer in keys.log_signers(settings.origin)]
    policy = read_policy(settings.policy, vkeys)
    anchors = load_anchors(settings.data / "tsa", settings.tsa)
    return trust_files(policy, load_development_authority(keys, clock), anchors)
