"""An entry whose commitment is made and whose place is not: all that can be done outside the lock is done."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from ledger.entry.canonical_json import Value
from ledger.entry.commitment import SECRET_SIZE, Commitment, CommittedFields, commit_and_write
from ledger.store.log_rows import Projection

_MAC_DOMAIN = b"idempotency"


class ReplayKey(NamedTuple):
    """What makes a repeated submission the same: whose, under which key, with which canonical request (bytes)."""

    account: str
    key: str
    request: bytes

    def mac(self, secret: bytes) -> bytes:
        """HMAC-SHA256 (32 bytes) under the entry's secret: the row that is kept holds no digest of the evidence."""
        return hmac.digest(secret, _MAC_DOMAIN + self.request, "sha256")


RowKind: TypeAlias = type[Projection]
"""A class of rows for people."""


class Prepared(NamedTuple):
    """One entry to be sequenced. Either `commitment`, `secret` (32 bytes) and `fields` (canonical JSON), or `public`.

    `rows`: rows for people, each its class and its values in the order of its constructor; their `index` is filled in
    with the entry's. `expected_acts`: the number of acts in the chain (ChainHead.acts) that this one was decided on; if
    there are more now, the entry is refused and its author decides again. `mac`: what `replay` is kept by, under the
    entry's own secret. `committed`: all openings and hashes; None of an entry that another process prepared, which has
    put them into the form in which they leave.
    """

    chain: str
    kind: str
    commitment: Commitment | None = None
    secret: bytes = b""
    fields: bytes = b""
    public: dict[str, Value] | None = None
    rows: Sequence[tuple[RowKind, tuple[Any, ...]]] = ()
    expected_acts: int | None = None
    replay: ReplayKey | None = None
    mac: bytes = b""
    committed: CommittedFields | None = None


def prepare(
    chain: str,
    kind: str,
    fields: Mapping[str, Value],
    *,
    projections: Sequence[Projection] = (),
    expected_acts: int | None = None,
    replay: ReplayKey | None = None,
) -> Prepared:
    """Draw a secret and commit to the fields. Raises what `commit_and_write` raises."""
    secret = secrets.token_bytes(SECRET_SIZE)
    committed, written = commit_and_write(secret, fields)
    return Prepared(
        chain,
        kind,
        committed.commitment,
        secret,
        written,
        None,
        row_values(projections),
        expected_acts,
        replay,
        b"" if replay is None else replay.mac(secret),
        committed,
    )


def row_values(projections: Sequence[Projection]) -> list[tuple[RowKind, tuple[Any, ...]]]:
    """Rows as classes and values: what is cheap to hand over, and to make again with another index."""
    classes: list[Any] = [type(row) for row in projections]
    return [(kind, _values_of(kind)(row)) for kind, row in zip(classes, projections, strict=True)]


@cache
def _values_of(kind: Any) -> attrgetter[tuple[Any, ...]]:
    """Reads the values of a row of this class, in the order in which its constructor takes them."""
    return attrgetter(*_names_of(kind))


@cache
def place_of_index(kind: Any) -> int:
    """Where among the values of a row of this class its entry's index stands."""
    return _names_of(kind).index("index")


def _names_of(kind: Any) -> tuple[str, ...]:
    """Rows are dataclasses or named tuples."""
    return kind._fields if issubclass(kind, tuple) else tuple(each.name for each in fields_of(kind))


Packed: TypeAlias = tuple[Any, ...]
"""A `Prepared` with fields on its way between processes: nothing but tuples, texts, bytes and numbers, which `marshal`
takes at a fraction of what `pickle` does.
"""


def pack(prepared: Prepared, kinds: list[RowKind]) -> Packed:
    """For `unpack` in another process of this program. `kinds` collects the classes of rows, which go beside it: a row
    says its class by the place there.

    What the chain, the kind and the account are both sides know: they are the batch's.
    """
    commitment, replay = prepared.commitment, prepared.replay
    if commitment is None:
        raise ValueError("pack an entry: expected one with fields")
    rows = []
    for kind, values in prepared.rows:
        if kind not in kinds:
            kinds.append(kind)
        rows.append((kinds.index(kind), values))
    return (
        commitment.root,
        commitment.count,
        prepared.secret,
        prepared.fields,
        rows,
        None if replay is None else (replay.key, replay.request, prepared.mac),
    )


def unpack(packed: Packed, chain: str, kind: str, account: str, kinds: Sequence[RowKind]) -> Prepared:
    """The inverse of `pack`, without `committed`."""
    root, count, secret, fields, rows, replay = packed
    key, request, mac = replay or (None, b"", b"")
    return Prepared(
        chain,
        kind,
        Commitment(root, count),
        secret,
        fields,
        None,
        [(kinds[at], values) for at, values in rows],
        None,
        None if key is None else ReplayKey(account, key, request),
        mac,
    )


def new_chain() -> str:
    """A chain's name: 128 random bits in hex. It says nothing about its case."""
    return secrets.token_hex(16)
