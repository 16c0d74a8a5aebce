"""Which bytes are flipped, one at a time, where each is to be tried."""

from __future__ import annotations

import os
import re

EVERY_BYTE = bool(os.environ.get("EVIDENCE_FLIP_ALL"))

_LONG = re.compile(rb"[A-Za-z0-9+/]{1000,}")
_ENDS = 80  # the key's id and the signature's first bytes; the padding with its unused bits
_STRIDE = 8


def places(data: bytes) -> list[int]:
    """The offsets to flip: all, but of long base64 texts, a signature or a token, each eighth between the ends.

    Every part of a signature is under one verification. `EVIDENCE_FLIP_ALL=1` (`make test-flips`) tries every byte.
    """
    sampled: set[int] = set()
    for run in () if EVERY_BYTE else _LONG.finditer(data):
        sampled.update(range(run.start() + _ENDS, run.end() - _ENDS))
    return [at for at in range(len(data)) if at not in sampled or at % _STRIDE == 0]
