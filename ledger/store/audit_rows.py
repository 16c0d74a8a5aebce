"""Whole stretches of the tables for those who check all of them, as the driver gives them: plain tuples.

A row object for each of ten million rows costs more than all that is checked of it. What is asked for is a range, so
that processes can share the work, each with a connection of its own; memory is bounded by the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Engine

from ledger.store.engine import database_errors, is_sqlite, open_engine
from ledger.store.schema import COMMON_KIND
from ledger.store.sql_log import LogReads
from ledger.store.stored_tiles import StoredTiles

Row: TypeAlias = tuple[Any, ...]

INDEX_MIN: Final = -(2**63)
"""Lowest index that a column holds: whoever slips a row in may give it any."""

TILE_LEVELS: Final = 8
"""Levels of tiles of a tree of 2^63 leaves."""

_KIND: Final = f"CASE kind WHEN '' THEN '{COMMON_KIND}' ELSE kind END"
_LEAVES: Final = f"SELECT idx, chain, seq, {_KIND}, leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"  # noqa: S608
_CONTENTS: Final = (
    f"SELECT e.idx, e.chain, {_KIND}, e.leaf, o.idx, o.secret, o.fields, o.kept, "  # noqa: S608
    "v.idx, v.mark, v.account, v.sha256, v.size, v.stored FROM entries e "
    "LEFT JOIN openings o ON o.idx = e.idx LEFT JOIN evidence v ON v.idx = e.idx "
    "WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx"
)
_TILES: Final = "SELECT idx, hashes FROM tiles WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
_CHECKPOINTS: Final = "SELECT size, note FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size"
_CHAINS: Final = "SELECT chain, length, acts, idx, leaf_hash FROM chains WHERE chain > ? ORDER BY chain LIMIT ?"
_MEMBERS: Final = (
    "SELECT chain, account, role, side, idx, removed, case_idx FROM members "
    "WHERE chain > ? OR (chain = ? AND account > ?) ORDER BY chain, account LIMIT ?"
)
_FILES: Final = (
    "SELECT sha256, min(idx), min(size), max(size) FROM evidence "
    "WHERE sha256 > ? AND stored AND idx < ? GROUP BY sha256 ORDER BY sha256 LIMIT ?"
)
_PAGE: Final = 2_000


class AuditRows:
    """Reads for fsck. Safe to use from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sqlite = is_sqlite(engine)

    @classmethod
    def open(cls, database: str) -> AuditRows:
        """With connections of its own, for a process that only checks. Raises ConfigError."""
        return cls(open_engine(database))

    def leaves(self, start: int, end: int) -> list[Row]:
        """(index, chain, seq, kind, leaf) of the entries in [start, end)."""
        return self._all("read the log", _LEAVES, (start, end))

    def contents(self, start: int, end: int) -> list[Row]:
        """(index, chain, kind, leaf; index, secret, fields, kept of its openings; its row of evidence) in [start, end).

        The index of what is missing is None.
        """
        return self._all("read the openings", _CONTENTS, (start, end))

    def tiles(self, level: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """(index, hashes) of one level, in [start, end)."""
        page = 64  # of 8 KiB each
        for at in range(start, end, page):
            yield from self._all("read tiles", _TILES, (level, at, min(at + page, end)))

    def stray_tiles(self, size: int) -> list[tuple[int, int]]:
        """(level, index) of stored tiles that are not full in a tree of `size` leaves."""
        full = " OR ".join(
            f"(level = {level} AND idx < {size >> 8 * (level + 1)})" for level in range(TILE_LEVELS)
        )  # numbers of our own
        found = self._all(
            "read tiles",
            f"SELECT level, idx FROM tiles WHERE NOT (idx >= 0 AND ({full})) ORDER BY level, idx",  # noqa: S608
        )
        return [(level, index) for level, index in found]

    def checkpoints(self, above: int, to: int) -> list[tuple[int, bytes]]:
        """(size, note) of the kept checkpoints of above < size ≤ to."""
        return [(size, note) for size, note in self._all("read the checkpoints", _CHECKPOINTS, (above, to))]

    def tree(self) -> StoredTiles:
        """The tree as proofs read it."""
        return StoredTiles(LogReads(self._engine))

    def chains(self) -> Iterator[Row]:
        """(chain, length, acts, index, leaf hash), ascending by chain."""
        after = b""
        while rows := self._all("read the chains", _CHAINS, (after, _PAGE)):
            yield from rows
            after = rows[-1][0]

    def members(self) -> Iterator[Row]:
        """(chain, account, role, side, index, removed, index of the case), ascending by chain and account."""
        at = (b"", "")
        while rows := self._all("read the members", _MEMBERS, (at[0], at[0], at[1], _PAGE)):
            yield from rows
            at = rows[-1][0], rows[-1][1]

    def files(self, after: bytes, size: int, limit: int) -> list[Row]:
        """(SHA-256, lowest index, least and largest size) of files that are held for entries below `size`."""
        return self._all("read the evidence", _FILES, (after, size, limit))

    def of_entries(self, table: str, columns: Sequence[str], start: int, end: int) -> list[Row]:
        """These columns (names of the schema) of the rows whose entry lies in [start, end), ascending."""
        names = ", ".join(columns)
        sql = f"SELECT {names} FROM {table} WHERE idx >= ? AND idx < ? ORDER BY {names}"  # noqa: S608
        return self._all(f"read {table}", sql, (start, end))

    def ends(self, table: str) -> tuple[int, int] | None:
        """The lowest and the highest index in a table's key; None where it is empty."""
        low, high = (self._all(f"read {table}", f"SELECT {end}(idx) FROM {table}")[0][0] for end in ("min", "max"))  # noqa: S608
        return None if low is None else (int(low), int(high))

    def damage(self) -> list[str]:
        """What SQLite finds wrong with the pages and indexes of its file; PostgreSQL has `pg_amcheck` for that."""
        if not self._sqlite:
            return []
        return [str(row[0]) for row in self._all("check the file", "PRAGMA integrity_check") if row[0] != "ok"]

    def _all(self, act: str, sql: str, values: tuple[object, ...] = ()) -> list[Row]:
        with database_errors(act), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            if self._sqlite:
                found: list[Row] = driver.execute(sql, values).fetchall()
            else:
                with driver.cursor(binary=True) as cursor:
                    found = cursor.execute(sql.replace("?", "%s"), values).fetchall()
        return found
