"""The grammar of field names (docs/spec/commitment.md), which kinds share."""

from __future__ import annotations

import re

MAX_NAME = 128  # bytes; the grammar is ascii

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


def is_field_name(name: str) -> bool:
    """Whether a text is a field name, or a kind."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None
