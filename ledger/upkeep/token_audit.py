"""A recorded token, read out of its entry: what it stamps and when."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from ledger.attest.rfc3161_token import parse_response
from ledger.entry.leaf import parse_leaf
from ledger.errors import LedgerError, MalformedError
from ledger.note.checkpoint import parse_checkpoint


@dataclass(frozen=True, slots=True)
class RecordedToken:
    """`stamped`: the checkpoint's text; `size`: of its tree; `gen_time_ms`: what the authority says, unverified."""

    stamped: str
    size: int
    gen_time_ms: int


def read_token(leaf: bytes) -> RecordedToken:
    """The token of a `timestamp.recorded`. Raises MalformedError, in words that follow the entry's name.

    The stamped text must be that of a checkpoint that was signed: a token over anything else proves nothing of the log.
    That is for who reads it to compare.
    """
    public = parse_leaf(leaf).public or {}
    stamped, token = public.get("stamped"), public.get("token")
    if not isinstance(stamped, str) or not isinstance(token, str):
        raise MalformedError("it records a token, and lacks the stamped text or the token")
    try:
        size = parse_checkpoint(stamped).size
        info = parse_response(base64.b64decode(token, validate=True)).unverified
    except (LedgerError, binascii.Error) as error:
        raise MalformedError(f"its token cannot be read: {error}") from error
    return RecordedToken(stamped, size, info.gen_time_ms)
