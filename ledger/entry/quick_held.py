"""Openings that are whole and as a producer writes them, checked in one go; anything else goes to `read_held`.

The fields are read by a fast reader that takes more than canonical JSON; then the commitment is made from them and the
fields are written again. Only canonical bytes come out as they went in (a property of the tests).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from ledger.entry.canonical_json import Value
from ledger.entry.commitment import NAMES_FIELD, commit_and_write
from ledger.errors import LedgerError


def open_whole(secret: bytes, fields: bytes, count: int, root: bytes) -> Mapping[str, Value] | None:
    """The fields that `secret` (32 bytes) and `fields` (canonical JSON) commit to, if the commitment is this one.

    None says nothing: `ledger.entry.held.read_held` tells what is wrong, or reads what an erasure left.
    """
    try:
        values = orjson.loads(fields)
        if not isinstance(values, dict) or NAMES_FIELD in values:
            return None
        committed, written = commit_and_write(secret, values)
    except (LedgerError, ValueError, TypeError):
        return None
    found = committed.commitment
    if (found.count, found.root) != (count, root) or written != fields:
        return None
    return values
