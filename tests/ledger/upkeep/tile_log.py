"""A log with several chains, and its public files in a folder, as anybody may have fetched them."""

from __future__ import annotations

from pathlib import Path

from ledger.assembly import Ledger
from ledger.config import Settings
from ledger.merkle.tiles import TILE_HEIGHT, TILE_WIDTH, EntryBundleId, TileId, tile_width
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from tests.ledger.making import ALICE, BOB, JUDGE, make_log, opened, statement


def make_chains(data: Path, database: str | None = None) -> Settings:
    """Some 1,400 entries: four cases in turns, in batches that end anywhere, so that tiles end within them."""
    settings = make_log(data, database)
    with opened(settings) as ledger:
        cases = [ledger.open_case(ALICE, f"case {n}").case for n in range(4)]
        for case in cases:
            ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
        for turn in range(20):
            ledger.anchor_batch(ALICE, cases[turn % 4], [statement(70 * turn + n) for n in range(69)], None)
            ledger.add_member(ALICE, cases[turn % 3], f"{JUDGE.name}-{turn}", "party", "third")
    return settings


def write_folder(ledger: Ledger, folder: Path) -> int:
    """Checkpoint, tiles and entry bundles of the published tree; returns its size."""
    note = ledger.checkpoint()
    assert note is not None
    size = parse_checkpoint(parse_note(note).text).size
    _write(folder / "checkpoint", note)
    for level in range(8):
        for index in range(-(-(size >> TILE_HEIGHT * level) // TILE_WIDTH)):
            tile = TileId(level, index, tile_width(level, index, size))
            _write(folder / tile.path(), ledger.tile(tile.level, tile.index, tile.width))
    for index in range(-(-size // TILE_WIDTH)):
        bundle = EntryBundleId(index, tile_width(0, index, size))
        _write(folder / bundle.path(), ledger.entry_tile(bundle.index, bundle.width))
    return size


def write_trust(ledger: Ledger, folder: Path) -> Path:
    """The operator's trust folder."""
    for name, data in ledger.trust_files().items():
        _write(folder / name, data)
    return folder


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
