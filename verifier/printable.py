"""Text from outside made harmless for a terminal.

Names, values and origins are an attacker's, and a terminal obeys control characters and turns lines around at the sign
of others.
"""

from __future__ import annotations

# A value may have 128 KiB; a report is read by people, and --json has all of it.
MAX_SHOWN = 400
MAX_NAMES = 100


def printable(text: str) -> str:
    """A text with everything escaped that a terminal would obey or hide, and cut at MAX_SHOWN characters."""
    cut = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)})"
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in cut)
