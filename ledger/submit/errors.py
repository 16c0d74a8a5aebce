"""The refusal that only submission knows."""

from ledger.errors import LedgerError


class UnacceptableError(LedgerError):
    """Well formed, but not something that can be anchored: an unknown member, a digest that is none, a file that is
    not the one declared. HTTP 422, where MalformedError is 400 and LimitError 413.
    """
