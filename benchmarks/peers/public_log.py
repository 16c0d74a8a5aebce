"""One log that several comparisons read: in its database, and as files of public tiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.logs import OpenLog, make_log, open_log
from benchmarks.peers.pipeline import BATCH, Appending, prepare_commitments
from benchmarks.peers.tile_folder import write_tile_folder

ODD: Final = 77
"""Entries beyond full tiles, so that partial ones are read and checked as well."""


@dataclass(frozen=True, slots=True)
class PublicLog:
    """`tiles`: a folder as tlog-tiles lays it out. `keys`: `<keys>.pub` holds the Ed25519 verifier key."""

    log: OpenLog
    tiles: Path
    keys: Path
    size: int


@contextmanager
def public_log(folder: Path, entries: int) -> Iterator[PublicLog]:
    """Make a log of about so many entries whose leaves have the length of ours (293 bytes)."""
    with open_log(make_log(folder / "log")) as log:
        Appending(log, max(1, entries // BATCH), prepare_commitments, before=False).run()
        log.sequencer.append(prepare_commitments("ab" * 16)[:ODD])
        keys = folder / "keys"
        size = write_tile_folder(log, folder / "tiles", keys)
        yield PublicLog(log, folder / "tiles", keys, size)
