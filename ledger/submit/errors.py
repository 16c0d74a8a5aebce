"""The refusal that only submission knows, and how it names a place in a statement."""

from typing import Final

from ledger.errors import LedgerError

# A name is at most 128 bytes; a hostile key may be as long as the statement, and the error must not repeat all of it.
_PLACE_CHARACTERS: Final = 160


class UnacceptableError(LedgerError):
    """Well formed, but not something that can be anchored: an unknown member, a digest that is none, a file that is
    not the one declared. HTTP 422, where MalformedError is 400 and LimitError 413.
    """


def place_of(where: str, key: str) -> str:
    """The place of the client's `key` below `where`: shortened, and what could break a log's line escaped."""
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in key[: _PLACE_CHARACTERS + 1])
    return f"{where}.{shown if len(key) <= _PLACE_CHARACTERS else shown[:_PLACE_CHARACTERS] + '…'}"
