"""An entry whose commitment is made and whose place is not: all that can be done outside the lock is done."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias, cast

from ledger.entry.canonical_json import Value
from ledger.entry.commitment import SECRET_SIZE, Commitment, CommittedFields, canonical_fields, commit_fields
from ledger.store.contracts import Projection

_MAC_DOMAIN = b"idempotency"


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """What makes a repeated submission the same: whose, under which key, with which canonical request (bytes)."""

    account: str
    key: str
    request: bytes

    def mac(self, secret: bytes) -> bytes:
        """HMAC-SHA256 (32 bytes) under the entry's secret: the row that is kept holds no digest of the evidence."""
        return hmac.digest(secret, _MAC_DOMAIN + self.request, "sha256")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One entry to be sequenced. Either `committed`, `secret` (32 bytes) and `fields` (canonical JSON), or `public`.

    `projections` are rows for people; their `index` is filled in with the entry's. `expected_acts`: the number of acts
    in the chain (ChainHead.acts) that this one was decided on; if there are more now, the entry is refused and its
    author decides again.
    """

    chain: str
    kind: str
    committed: CommittedFields | None = None
    secret: bytes = b""
    fields: bytes = b""
    public: dict[str, Value] | None = None
    projections: tuple[Projection, ...] = ()
    expected_acts: int | None = None
    replay: ReplayKey | None = None

    @property
    def commitment(self) -> Commitment | None:
        """What the leaf will hold of the fields."""
        return None if self.committed is None else self.committed.commitment


def prepare(
    chain: str,
    kind: str,
    fields: Mapping[str, Value],
    *,
    projections: tuple[Projection, ...] = (),
    expected_acts: int | None = None,
    replay: ReplayKey | None = None,
) -> Prepared:
    """Draw a secret and commit to the fields. Raises what `commit_fields` raises."""
    secret = secrets.token_bytes(SECRET_SIZE)
    committed = commit_fields(secret, fields)
    return Prepared(
        chain,
        kind,
        committed,
        secret,
        canonical_fields(committed),
        None,
        projections,
        expected_acts,
        replay,
    )


@cache
def values_of(kind: Any) -> attrgetter[tuple[Any, ...]]:
    """Reads the values of a row of this class, in the order in which its constructor takes them."""
    return attrgetter(*(each.name for each in fields(kind)))


Packed: TypeAlias = tuple[object, ...]
"""A `Prepared` on its way between processes: plain tuples, which cost a fraction of what dataclasses do."""


def pack(prepared: Prepared) -> Packed:
    """For `unpack` in another process of this program."""
    committed, replay = prepared.committed, prepared.replay
    return (
        prepared.chain,
        prepared.kind,
        None
        if committed is None
        else (committed.names, committed.openings, committed.hashes, committed.commitment.root),
        prepared.secret,
        prepared.fields,
        prepared.public,
        [_pack_row(row) for row in prepared.projections],
        prepared.expected_acts,
        None if replay is None else (replay.account, replay.key, replay.request),
    )


def _pack_row(row: Any) -> tuple[Any, tuple[Any, ...]]:
    kind: Any = type(row)
    return kind, values_of(kind)(row)


def unpack(packed: Packed) -> Prepared:
    """The inverse of `pack`."""
    chain, kind, committed, secret, fields, public, rows, expected_acts, replay = cast("tuple[Any, ...]", packed)
    return Prepared(
        chain,
        kind,
        None if committed is None else _unpack_committed(*committed),
        secret,
        fields,
        public,
        tuple(row(*values) for row, values in rows),
        expected_acts,
        None if replay is None else ReplayKey(*replay),
    )


def _pack_committed(committed: CommittedFields) -> Packed:
    return committed.names, committed.openings, committed.hashes, committed.commitment.root


def _unpack_committed(
    names: tuple[str, ...], openings: tuple[bytes, ...], hashes: tuple[bytes, ...], root: bytes
) -> CommittedFields:
    return CommittedFields(names, openings, hashes, Commitment(root, len(hashes)))


def new_chain() -> str:
    """A chain's name: 128 random bits in hex. It says nothing about its case."""
    return secrets.token_hex(16)
