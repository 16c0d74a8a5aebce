"""Texts that people write into acts: grounds, reasons, answers."""

from __future__ import annotations

import unicodedata
from typing import Final

from ledger.submit.errors import UnacceptableError

TEXT_CHARACTERS: Final = 10_000
"""Characters of one text: some four printed pages; below what a field's 64 KiB hold in any script."""

LINE_CHARACTERS: Final = 300
"""Characters of a text that stands on one line: a place, an address."""

_KEPT_CONTROLS: Final = "\n\r\t"
# A direction override turns what a reader sees around: "refused" could be made to read as something else.
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_text(text: str, act: str, where: str, limit: int = TEXT_CHARACTERS) -> str:
    """`text` as it is. Raises UnacceptableError for one that is blank, too long, or holds what does not print."""
    if not text.strip() or len(text) > limit:
        raise UnacceptableError(f"{act}: expected a text of 1 to {limit} characters", where)
    for character in text:
        control = unicodedata.category(character) in ("Cc", "Cs") and character not in _KEPT_CONTROLS
        if control or character in _OVERRIDES:
            raise UnacceptableError(f"{act}: expected a text without control characters", where)
    return text


def check_optional(text: str | None, act: str, where: str, limit: int = TEXT_CHARACTERS) -> str | None:
    """The same, where nothing may be said."""
    return None if text is None else check_text(text, act, where, limit)
