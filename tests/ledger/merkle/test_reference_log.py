"""A real tiled log of 15 entries, written by Tessera: every partial tile, bundle and checkpoint of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import SignatureError
from ledger.merkle.consistency import check_consistency, prove_consistency
from ledger.merkle.entry_bundles import format_entry_bundle, parse_entry_bundle
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.inclusion import check_inclusion, prove_inclusion
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiled_nodes import TiledNodes
from ledger.merkle.tiles import EntryBundleId, TileId, hashes_of_tile, parse_entries_path, parse_tile_path
from ledger.note.checkpoint import Checkpoint, check_checkpoint
from ledger.note.keys import VerifierKey, parse_vkey
from ledger.note.signed_note import SignedNote, format_note, parse_note


@pytest.fixture
def log(vectors: Path) -> Path:
    return vectors / "transparency-dev-tessera" / "testdata" / "log"


@pytest.fixture
def key(vectors: Path) -> VerifierKey:
    return parse_vkey((vectors / "transparency-dev-tessera" / "log.vkey").read_text().strip())


def read_checkpoints(log: Path, key: VerifierKey) -> list[Checkpoint]:
    return [check_checkpoint((log / f"checkpoint.{size}").read_bytes(), [key]) for size in range(16)]


def test_all_16_checkpoints_are_signed_and_any_flip_in_their_text_is_refused(log: Path, key: VerifierKey) -> None:
    checkpoints = read_checkpoints(log, key)
    assert [each.size for each in checkpoints] == list(range(16))
    assert check_checkpoint((log / "checkpoint").read_bytes(), [key]) == checkpoints[15]
    for size in range(16):
        note = parse_note((log / f"checkpoint.{size}").read_bytes())
        other = parse_note((log / f"checkpoint.{(size + 1) % 16}").read_bytes())
        assert format_note(note) == (log / f"checkpoint.{size}").read_bytes()
        with pytest.raises(SignatureError):
            check_checkpoint(SignedNote(note.text, other.signatures), [key])


def test_every_bundle_and_tile_gives_the_signed_roots(log: Path, key: VerifierKey) -> None:
    checkpoints = read_checkpoints(log, key)
    seen: list[bytes] = []
    for size in range(1, 16):
        bundle = EntryBundleId(0, size)
        data = (log / bundle.path()).read_bytes()
        leaves = parse_entry_bundle(data, size)
        assert format_entry_bundle(leaves) == data
        assert leaves[:-1] == seen
        seen = leaves
        tile = TileId(0, 0, size)
        hashes = hashes_of_tile((log / tile.path()).read_bytes())
        assert hashes == [hash_leaf(leaf) for leaf in leaves]
        assert Frontier().append_all(hashes).root() == checkpoints[size].root
        assert OpenTiles().append(hashes).tiles.partial(0) == b"".join(hashes)
    files = {str(file.relative_to(log)) for file in (log / "tile").rglob("*") if file.is_file()}
    assert files == {TileId(0, 0, w).path() for w in range(1, 16)} | {EntryBundleId(0, w).path() for w in range(1, 16)}
    for path in files:
        parsed = parse_entries_path(path) if "entries" in path else parse_tile_path(path)
        assert parsed.path() == path


def test_all_proofs_between_its_checkpoints_hold(log: Path, key: VerifierKey) -> None:
    checkpoints = read_checkpoints(log, key)
    hashes = hashes_of_tile((log / TileId(0, 0, 15).path()).read_bytes())
    for size in range(1, 16):
        nodes = TiledNodes(size, lambda tile: (log / tile.path()).read_bytes())
        root = checkpoints[size].root
        for index in range(size):
            check_inclusion(hashes[index], index, size, prove_inclusion(nodes, index, size), root)
        for old in range(size + 1):
            check_consistency(old, checkpoints[old].root, size, root, prove_consistency(nodes, old, size))
