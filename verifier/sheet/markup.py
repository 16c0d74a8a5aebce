"""HTML that cannot be broken out of: every text is escaped unless it was made here.

Names, values and grounds are an attacker's. Beside markup they may hold characters that turn a line around or hide:
those are shown as what they are.
"""

from __future__ import annotations

import html


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def visible(value: str) -> Markup:
    """A text, escaped; what would not show, or would turn the text around, stands as its code. Lines stay lines."""
    return Markup("".join(_char(char) for char in value))


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """An element; a child that is no Markup is escaped. An attribute's `_` at its end is dropped: `class_`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Elements and texts in a row; texts are escaped."""
    return Markup("".join(child if isinstance(child, Markup) else visible(child) for child in children))


def _char(char: str) -> str:
    if char == "\n" or char.isprintable():
        return html.escape(char)
    return f'<b class="code">\\u{{{ord(char):x}}}</b>'
