"""Our log as files, laid out as C2SP tlog-tiles serves it: what other people's tools read from a disk."""

from __future__ import annotations

from pathlib import Path

from benchmarks.logs import OpenLog
from ledger.merkle.entry_bundles import format_entry_bundle
from ledger.merkle.tiles import TILE_HEIGHT, TILE_WIDTH, EntryBundleId, TileId
from ledger.note.keys import format_vkey
from ledger.store.stored_tiles import StoredTiles


def write_tile_folder(log: OpenLog, folder: Path, keys: Path) -> int:
    """Write checkpoint, tiles and entry bundles of the published tree, partial ones too; returns the tree's size.

    `keys`: beside it goes `<keys>.pub`, the log's Ed25519 key alone: Tessera's tools know no other, and pass over the
    checkpoint's ML-DSA line as the line of an unknown key.
    """
    published = log.store.published()
    assert published is not None
    size, note = published
    folder.mkdir()
    (folder / "checkpoint").write_bytes(note)
    tiles = StoredTiles(log.store)
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        for index, width in _widths(hashes):
            tile = TileId(level, index, width)
            _write(folder / tile.path(), tiles.read(tile))
        level += 1
    for index, width in _widths(size):
        leaves = log.store.leaves(index * TILE_WIDTH, index * TILE_WIDTH + width)
        _write(folder / EntryBundleId(index, width).path(), format_entry_bundle(leaves))
    vkey = next(key for key in log.signer.vkeys)
    keys.with_name(f"{keys.name}.pub").write_text(format_vkey(vkey), encoding="ascii")
    return size


def _widths(hashes: int) -> list[tuple[int, int]]:
    full, rest = divmod(hashes, TILE_WIDTH)
    return [(index, TILE_WIDTH) for index in range(full)] + ([(full, rest)] if rest else [])


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
