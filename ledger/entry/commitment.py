"""An entry's fields, their openings, and the commitment that stands in the leaf.

    salt        HMAC-SHA256(key = secret of 32 bytes, message = name)[:16]
    opening     JCS of [name, base64(salt), value], at most 128 KiB
    hash        SHA-256(0x00 || opening)
    root        RFC 6962 root over the hashes; position 0 is `@names`, position p the p-th name in ascending order

The tree is built with merkletools, made RFC 6962's by its node hash. As shipped it has no separation of leaves and
nodes, and its `validate_proof` accepts forgeries: nothing but the root is taken from it.
"""

from __future__ import annotations

import hmac
import warnings
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from orjson import dumps

from ledger.entry.canonical_json import Value, serialise
from ledger.entry.names import check_name
from ledger.errors import LimitError, MalformedError
from ledger.merkle.hashing import HASH_SIZE, LEAF_PREFIX, NODE_PREFIX, hash_leaf

with warnings.catch_warnings():
    # merkletools warns at import that it has no sha3, which nothing here uses.
    warnings.simplefilter("ignore")
    from merkletools import MerkleTools

NAMES_FIELD: Final = "@names"
"""The field at position 0. The `@` keeps it out of the grammar of names, so no field can pass itself off as it."""

SECRET_SIZE: Final = 32
"""Bytes of an entry's secret: 256 bits, so that no value can be guessed from its hash while the secret is unknown."""

SALT_SIZE: Final = 16
"""Bytes of a salt: 128 bits, against guessing a value; each field's is its own, so opening one says nothing of
another.
"""

OPENING_MAX: Final = 128 * 1024
"""Bytes of the longest opening; a receipt of 1,024 of them stays within a bundle's 512 MiB."""

_SURELY_SHORT: Final = OPENING_MAX - 1024
"""Bytes of all names and values as written, of which no opening is too long: to one of them it adds name and salt."""

COUNT_MAX: Final = 1024
"""Most fields of a commitment with `@names`; up to here merkletools' root is tested to equal RFC 6962's."""

# RFC 2104: the key, filled up to SHA-256's block, under the inner and the outer pad.
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_INNER_REST: Final = b"\x36" * (64 - SECRET_SIZE)
_OUTER_REST: Final = b"\x5c" * (64 - SECRET_SIZE)

# To copy a hash that is begun costs less than to begin one with the prefix and the text put together.
_begin_leaf: Final = sha256(LEAF_PREFIX).copy
_begin_node: Final = sha256(NODE_PREFIX).copy

VALUE_DEPTH_MAX: Final = 8
"""Deepest nesting of a field's value, and of a leaf's `public`."""


class Commitment(NamedTuple):
    """What stands in the leaf: `root` (32 bytes) over `count` fields, 1 to 1,024, `@names` included."""

    root: bytes
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks a commitment for


class CommittedFields(NamedTuple):
    """What the submitter holds: `names` ascending, without `@names`; `openings` and `hashes` by position, `@names`
    first.
    """

    names: tuple[str, ...]
    openings: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    commitment: Commitment


def check_value(value: Value, where: str | None = None) -> None:
    """Refuse what a field cannot hold: a fraction, an integer out of range, bad Unicode (MalformedError); too deep
    (LimitError).
    """
    serialise(value, where=where, max_depth=VALUE_DEPTH_MAX)


def derive_salt(secret: bytes, name: str) -> bytes:
    """A field's salt (16 bytes) from the entry's secret (32 bytes) and the field's name, `@names` included.

    Raises MalformedError for a secret of another length.
    """
    _check_secret(secret)
    return hmac.digest(secret, name.encode("utf-8"), "sha256")[:SALT_SIZE]


def _check_secret(secret: bytes) -> None:
    if len(secret) != SECRET_SIZE:
        raise MalformedError(f"derive a salt: expected a secret of {SECRET_SIZE} bytes, got {len(secret)}")


def opening_bytes(name: str, salt: bytes, value: Value) -> bytes:
    """A field's opening: JCS of `[name, base64(salt), value]`.

    Raises MalformedError for a name outside the grammar (`@names` may pass), a salt that is not 16 bytes or a value
    that has no canonical bytes; LimitError for nesting beyond 8 or more than 128 KiB.
    """
    if name != NAMES_FIELD:
        check_name(name)
    if len(salt) != SALT_SIZE:
        raise MalformedError(f"open a field: expected a salt of {SALT_SIZE} bytes, got {len(salt)}", name)
    canonical = serialise(value, where=name, max_depth=VALUE_DEPTH_MAX)
    # Names and base64 need no escapes, so these bytes are JCS as they stand (tested against rfc8785).
    opening = b'["%b","%b",%b]' % (name.encode("ascii"), b2a_base64(salt, newline=False), canonical)
    _check_length(name, opening)
    return opening


def _check_length(name: str, opening: bytes) -> None:
    if len(opening) > OPENING_MAX:
        raise LimitError(
            f"open a field: expected at most {OPENING_MAX} bytes, got {len(opening)}", name, OPENING_MAX, len(opening)
        )


def field_hash(opening: bytes) -> bytes:
    """The hash (32 bytes) of an opening's bytes: `SHA-256(0x00 || opening)`."""
    return hash_leaf(opening)


class _Rfc6962Tree(MerkleTools):  # type: ignore[misc]  # merkletools ships no types, so its class is Any
    """merkletools with RFC 6962's node hash, over leaves that are hashed already: as bytes, without a way through hex
    for each, which took as long as the hashing.
    """

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.hash_function = _hash_node
        self.leaves = list(hashes)
        self.make_tree()

    @property
    def root(self) -> bytes:
        return bytes(self.levels[0][0])


def _hash_node(both: bytes) -> Any:
    (begun := _begin_node()).update(both)
    return begun


def commitment_root(hashes: Sequence[bytes]) -> bytes:
    """The root (32 bytes) over 1 to 1,024 field hashes of 32 bytes, equal to RFC 6962's.

    Raises LimitError for another number of hashes, MalformedError for another length.
    """
    if not 1 <= len(hashes) <= COUNT_MAX:
        raise LimitError(
            f"commit to fields: expected 1 to {COUNT_MAX} with @names, got {len(hashes)}", None, COUNT_MAX, len(hashes)
        )
    if any(len(each) != HASH_SIZE for each in hashes):
        raise MalformedError(f"commit to fields: expected hashes of {HASH_SIZE} bytes")
    return _Rfc6962Tree(hashes).root


def commit_fields(secret: bytes, fields: Mapping[str, Value]) -> CommittedFields:
    """Commit to named values under an entry's secret (32 random bytes). Any order in, one commitment out.

    Raises MalformedError or LimitError for a name, value, number or size of fields outside the format's rules; the
    longest list of names must itself fit into an opening.
    """
    return commit_and_write(secret, fields)[0]


def commit_and_write(secret: bytes, fields: Mapping[str, Value]) -> tuple[CommittedFields, bytes]:
    """`commit_fields`, and the canonical JSON object of names and values: what a row of openings holds beside the
    secret.

    Every entry passes here: all that is equal for entries with the same names is made before, each value written once.
    """
    _check_secret(secret)
    arranged = _arrange(tuple(fields))
    values = [arranged.listed]
    for name in arranged.names:
        value = fields[name]
        if type(value) is str and value.isascii():
            values.append(dumps(value))  # what `serialise` does, without its call
        else:
            values.append(serialise(value, where=name, max_depth=VALUE_DEPTH_MAX))
    written = arranged.object % tuple(values[1:])
    openings = _openings(secret, arranged, values)
    if len(written) > _SURELY_SHORT:
        for name, opening in zip((NAMES_FIELD, *arranged.names), openings, strict=True):
            _check_length(name, opening)
    hashes = []
    for opening in openings:
        begun = _begin_leaf()
        begun.update(opening)
        hashes.append(begun.digest())
    commitment = Commitment(_Rfc6962Tree(hashes).root, len(hashes))
    return CommittedFields(arranged.names, tuple(openings), tuple(hashes), commitment), written


def _openings(secret: bytes, arranged: _Arranged, values: Sequence[bytes]) -> list[bytes]:
    """By position. HMAC-SHA256 (RFC 2104) by its definition: half of `hmac.digest`'s cost for texts so short."""
    begin_inner = sha256(secret.translate(_INNER) + _INNER_REST).copy
    begin_outer = sha256(secret.translate(_OUTER) + _OUTER_REST).copy
    openings = []
    for name, head, value in zip(arranged.encoded, arranged.heads, values, strict=True):
        inner, outer = begin_inner(), begin_outer()
        inner.update(name)
        outer.update(inner.digest())
        salt = b2a_base64(outer.digest()[:SALT_SIZE], newline=False)
        openings.append(b"".join((head, salt, b'",', value, b"]")))
    return openings


class _Arranged(NamedTuple):
    """What follows from the names alone. `names` ascending; by position, `@names` first: `encoded`, their bytes, and
    `heads`, how their openings begin; `listed`: the value of `@names`, canonical; `object`: how the names stand in an
    object, with a place for each value.
    """

    names: tuple[str, ...]
    encoded: tuple[bytes, ...]
    heads: tuple[bytes, ...]
    listed: bytes
    object: bytes


# Entries of a batch have the same names. The names of one entry take some 400 KiB at most: 32 of them bound the memory.
@lru_cache(maxsize=32)
def _arrange(names: tuple[str, ...]) -> _Arranged:
    if len(names) + 1 > COUNT_MAX:
        raise LimitError(
            f"commit to fields: expected at most {COUNT_MAX - 1}, got {len(names)}", None, COUNT_MAX - 1, len(names)
        )
    for name in names:
        check_name(name)
    # Names are ASCII, so the order of their characters is the order of their bytes.
    ascending = tuple(sorted(names))
    encoded = tuple(name.encode("ascii") for name in (NAMES_FIELD, *ascending))
    listed = b'["%b"]' % b'","'.join(encoded[1:]) if ascending else b"[]"
    heads = tuple(b'["%b","' % name for name in encoded)
    members = b",".join(b'"%b":%%b' % name for name in encoded[1:])
    return _Arranged(ascending, encoded, heads, listed, b"{%b}" % members)
