"""A log checked from its public files alone, by anybody: `fsck --tiles`. It needs no database, no account and no keys.

    entry bundles ── leaf hashes ─┬─ tiles of every level ── the checkpoint's root
                                  └─ chains: no gap in seq, each prev the leaf hash before

The signatures are checked under the reader's own trust folder; without one under the keys that the log's first entry
names, which shows that the log is of one piece, and not whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ledger.entry.leaf import parse_leaf
from ledger.errors import ConfigError, LedgerError, MalformedError, UnavailableError
from ledger.merkle.entry_bundles import parse_entry_bundle
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import HASH_SIZE
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TILE_SIZE, TILE_WIDTH, EntryBundleId, TileId, partial_tiles, split_hashes, tile_width
from ledger.note.checkpoint import Checkpoint, check_checkpoint, parse_checkpoint
from ledger.note.keys import VerifierKey, parse_vkey
from ledger.note.signed_note import parse_note
from ledger.upkeep.chain_links import LINK, join_links
from ledger.upkeep.finding import Finding, Progress
from ledger.upkeep.processes import Processes, cores
from ledger.upkeep.spill import Spill
from ledger.upkeep.tile_piece import TilePiece, TilePieceFound, check_tile_piece, read_wider
from ledger.upkeep.tile_source import TileSource, open_source

CHECKPOINT: Final = "checkpoint"
_PHASE: Final = "tiles"

STRETCH_MAX: Final = 256
"""Bundles of the longest stretch."""

STRETCH_MIN: Final = 32
"""Bundles of the shortest one that is worth a process."""

_STRETCHES_PER_CORE: Final = 8


def fsck_tiles(
    place: str, trust: Path | None = None, progress: Progress | None = None, processes: int | None = None
) -> Iterator[Finding]:
    """Every finding over the log at `place` (a folder of tiles, or its URL), as it is found; none means sound.

    `where` of a finding is the file's path below the log's prefix, or an entry. Raises ConfigError where there is no
    log, or no trust folder to read; UnavailableError where its server gives no answer.
    """
    source = open_source(place)
    note = source.read(CHECKPOINT)
    if note is None:
        raise ConfigError("read a log: it has no checkpoint", place)
    checkpoint = _believe(source, note, trust)
    if isinstance(checkpoint, Finding):
        yield checkpoint
        return  # nothing says how many entries there are
    count = min(cores(), -(-checkpoint.size // (STRETCH_MIN * TILE_WIDTH))) if processes is None else processes
    with Processes(partial(open_source, place), source, count) as crew:
        crew.fork()  # a folder, or one connection to a web server, which no copy uses
        yield from _TileAudit(source, checkpoint, progress or _unwatched).findings(crew, count)


def _unwatched(_phase: str, _done: int, _total: int) -> None:
    pass


def _believe(source: TileSource, note: bytes, trust: Path | None) -> Checkpoint | Finding:
    """What the signed note says, or why it cannot be believed: the file at fault is the checkpoint, unless the keys are
    read from the log itself and it is there that they are not to be had.
    """
    at_fault = CHECKPOINT
    try:
        claimed = parse_checkpoint(parse_note(note).text)
        if trust is not None:
            keys = _trusted_keys(trust)
        else:
            at_fault = EntryBundleId(0, tile_width(0, 0, claimed.size)).path() if claimed.size else CHECKPOINT
            keys, at_fault = _log_keys(source, claimed), CHECKPOINT
        return check_checkpoint(note, keys)
    except (ConfigError, UnavailableError):
        raise
    except LedgerError as error:
        return Finding(at_fault, f"it cannot be believed: {error}")


def _trusted_keys(trust: Path) -> list[VerifierKey]:
    from ledger.note.policy import parse_policy  # who gives no trust folder need not wait for it

    try:
        policy = parse_policy((trust / "policy").read_bytes())
    except OSError as error:
        raise ConfigError(f"read the trust folder: {error.strerror}", str(trust / "policy")) from error
    except LedgerError as error:
        raise ConfigError(f"read the trust folder: {error}", str(trust / "policy")) from error
    return [log.vkey for log in policy.logs]


def _log_keys(source: TileSource, claimed: Checkpoint) -> list[VerifierKey]:
    """The keys in the log's first entry. Raises MalformedError where it names none."""
    width = tile_width(0, 0, claimed.size)
    path = EntryBundleId(0, width).path() if width else CHECKPOINT
    data = source.read(path) if width else None
    if data is None:
        data = read_wider(source, path)
    if data is None:
        raise MalformedError(f"it names {claimed.size} entries, and {path} is missing")
    public = parse_leaf(parse_entry_bundle(data, _data_width(data, width))[0]).public or {}
    listed = public.get("vkeys")
    if public.get("origin") != claimed.origin or not isinstance(listed, list) or not listed:
        raise MalformedError(f"the first entry names no keys of {claimed.origin}", path)
    return [parse_vkey(str(text)) for text in listed]


def _data_width(data: bytes, width: int) -> int:
    """How many leaves a bundle holds that may be a wider one than was asked for."""
    try:
        parse_entry_bundle(data, width)
    except MalformedError:
        return TILE_WIDTH
    return width


class _TileAudit:
    def __init__(self, source: TileSource, checkpoint: Checkpoint, progress: Progress) -> None:
        self._source = source
        self._checkpoint = checkpoint
        self._progress = progress
        self._upper = OpenTiles()
        self._rest: list[bytes] = []
        self._damaged = False
        self._found = False

    def findings(self, processes: Processes[TileSource], count: int) -> Iterator[Finding]:
        for finding in self._derive(processes, count):
            self._found = True
            yield finding

    def _derive(self, processes: Processes[TileSource], count: int) -> Iterator[Finding]:
        size = self._checkpoint.size
        pieces = self._pieces(count)
        wrong: list[tuple[int, str]] = []
        with Spill(LINK.size) as links:
            for piece, found in zip(pieces, processes.map(check_tile_piece, pieces), strict=True):
                yield from self._take(found)
                wrong += found.wrong
                links.add(found.links)
                self._progress(_PHASE, min(piece.end * TILE_WIDTH, size), size)
            yield from self._edge()
            for part in links.parts():
                for _, problems in join_links(part):
                    wrong += problems
        if not self._damaged:  # a torn bundle tears chains; they are judged once it is whole
            yield from (Finding(f"entry {index}", what) for index, what in sorted(wrong))

    def _pieces(self, count: int) -> list[TilePiece]:
        size = self._checkpoint.size
        bundles = -(-size // TILE_WIDTH)
        length = min(max(-(-bundles // (max(count, 1) * _STRETCHES_PER_CORE)), STRETCH_MIN), STRETCH_MAX)
        system, edge = self._system_chain(), self._is_edge_right()
        starts = range(0, bundles, length)
        return [TilePiece(start, min(start + length, bundles), size, system, edge) for start in starts]

    def _system_chain(self) -> bytes:
        width = tile_width(0, 0, self._checkpoint.size)
        data = self._read(EntryBundleId(0, width).path()) if width else None
        try:
            first = b"" if data is None else parse_entry_bundle(data, _data_width(data, width))[0]
            return bytes.fromhex(parse_leaf(first).chain)
        except LedgerError:
            return b""  # told where it is walked

    def _is_edge_right(self) -> bool:
        """Whether the partial tiles as they are stored give the signed root."""
        try:
            edge = OpenTiles.load(self._checkpoint.size, lambda tile: self._stored(tile) or b"")
        except LedgerError:
            return False
        return edge.frontier.root() == self._checkpoint.root

    def _stored(self, tile: TileId) -> bytes | None:
        data = self._read(tile.path())
        return None if data is None else data[: tile.width * HASH_SIZE]

    def _read(self, path: str) -> bytes | None:
        data = self._source.read(path)
        return read_wider(self._source, path) if data is None else data

    def _take(self, found: TilePieceFound) -> Iterator[Finding]:
        yield from (Finding(where, what) for where, what in found.findings)
        self._damaged = self._damaged or found.damaged
        grown = self._upper.append(split_hashes(found.roots))
        self._upper = grown.tiles
        for tile, data in grown.full:
            yield from self._compare(TileId(tile.level + 1, tile.index), data)
        self._rest = split_hashes(found.rest)

    def _compare(self, tile: TileId, derived: bytes) -> Iterator[Finding]:
        stored = self._read(tile.path())
        if stored is None:
            yield Finding(tile.path(), "it is missing")
        elif len(stored) not in (len(derived), TILE_SIZE):
            yield Finding(tile.path(), f"expected {len(derived)} bytes, got {len(stored)}")
        elif stored[: len(derived)] != derived:
            yield Finding(tile.path(), "its hashes are not those that the tiles below give")

    def _edge(self) -> Iterator[Finding]:
        """The partial tiles above the lowest, and the root."""
        for tile in partial_tiles(self._checkpoint.size):
            if tile.level:
                yield from self._compare(tile, self._upper.partial(tile.level - 1))
        open_tile = Frontier().append_all(self._rest)
        hashes: Sequence[bytes] = (*self._upper.frontier.hashes, *open_tile.hashes)
        if Frontier(self._checkpoint.size, tuple(hashes)).root() != self._checkpoint.root and not self._found:
            yield Finding(CHECKPOINT, "the entries do not give the root that was signed")
