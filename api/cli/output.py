"""What a command prints: results on stdout, messages on stderr.

A title, a name or a server's message is somebody else's text. Control characters in it could rewrite the terminal or
forge a second line, so they are shown escaped.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping

import click

from api.cli.failures import CommandError

# Controls, surrogates and separators of lines; and the marks that reorder a line (as in ledger.submit.file_name).
_ESCAPED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, *, keep: str = "\n") -> str:
    """`text` with control and reordering characters escaped; those in `keep` stay."""
    return "".join(
        character.encode("unicode_escape", "backslashreplace").decode("ascii")
        if character not in keep and (unicodedata.category(character) in _ESCAPED or character in _REORDERING)
        else character
        for character in text
    )


def result(*columns: object) -> None:
    """One line of the result; columns are separated by tabs. Flushed: a later failure must not lose it."""
    click.echo("\t".join(printable(str(column), keep="") for column in columns))
    sys.stdout.flush()


def json_result(value: bytes | Mapping[str, object]) -> None:
    """The result as one line of JSON: a value, or the JSON text of a server's answer."""
    try:
        parsed = json.loads(value) if isinstance(value, bytes) else value
    except ValueError as error:
        raise CommandError("reading the server's answer: expected json") from error
    # All control characters are escaped for a person's terminal; for a program only those that JSON demands.
    click.echo(json.dumps(parsed, ensure_ascii=to_terminal(), separators=(",", ":")))
    sys.stdout.flush()


def message(text: str) -> None:
    """One message for people. Through sys.stderr as it is at the moment: a progress display may stand in for it."""
    print(printable(text), file=sys.stderr, flush=True)


def to_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()
