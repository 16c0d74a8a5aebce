"""The one tree of errors that the ledger raises.

Verification and parsing raise; nothing here returns a truth value that a caller could forget to look at. Each error
says `what` happened (lower case: the act, what was expected, what came) and, where it is known, `where`: a file, a
member, a line, a field. Errors about somebody's misbehaviour carry the evidence.

    LedgerError
    ├── MalformedError     bytes that do not parse, or values that have no canonical bytes
    ├── LimitError         a named limit is exceeded                       limit, got
    ├── ProofError         a Merkle proof or a commitment does not hold
    ├── SignatureError     a signature is missing or wrong
    ├── ConflictError      the same key or place, but other content
    ├── NotFoundError
    ├── ErasedError        it was here, and was erased on an order         number
    ├── ForbiddenError
    ├── TooOftenError      more attempts than are allowed in a time       retry_after (seconds)
    ├── UnavailableError   full or down at the moment                     retry_after (seconds)
    ├── RolledBackError    the past was changed                           evidence (checkpoints)
    ├── CorruptError       what we stored is not what we stored
    └── ConfigError        the operator's settings cannot work

All data stand in `args`, so an error crosses a process border by pickle and arrives whole.
"""

from __future__ import annotations

from collections.abc import Sequence


class LedgerError(Exception):
    """Root of the tree. `what`: the act, what was expected, what came. `where`: the place in the input, if known."""

    what: str
    where: str | None

    def __init__(self, what: str, where: str | None = None, *data: object) -> None:
        super().__init__(what, where, *data)
        self.what = what
        self.where = where

    def __str__(self) -> str:
        return self.what if self.where is None else f"{self.where}: {self.what}"


class MalformedError(LedgerError):
    """Bytes that do not parse under a format's rules, or a value that has no bytes in it."""


class LimitError(LedgerError):
    """A named limit is exceeded. `limit`: the largest amount allowed; `got`: what came (both in the limit's unit)."""

    limit: int
    got: int

    def __init__(self, what: str, where: str | None = None, limit: int = 0, got: int = 0) -> None:
        super().__init__(what, where, limit, got)
        self.limit = limit
        self.got = got


class ProofError(LedgerError):
    """An inclusion proof, a consistency proof or a disclosure does not lead to the root that was claimed."""


class SignatureError(LedgerError):
    """A signature that had to be there is missing, or one that is there is wrong."""


class ConflictError(LedgerError):
    """Something is there already, and it is not the same."""


class NotFoundError(LedgerError):
    """What was asked for is not here."""


class ErasedError(LedgerError):
    """It was here, and was erased on an order. `number`: the receipt number of the entry, whose leaf stays."""

    number: str

    def __init__(self, what: str, where: str | None = None, number: str = "") -> None:
        super().__init__(what, where, number)
        self.number = number


class ForbiddenError(LedgerError):
    """Who asks may not do or see this."""


class TooOftenError(LedgerError):
    """Attempts that are counted, such as those with an access code, came too often. `retry_after`: in seconds."""

    retry_after: int

    def __init__(self, what: str, where: str | None = None, retry_after: int = 1) -> None:
        super().__init__(what, where, retry_after)
        self.retry_after = retry_after


class UnavailableError(LedgerError):
    """Full or down at the moment. `retry_after`: seconds until a new attempt makes sense."""

    retry_after: int

    def __init__(self, what: str, where: str | None = None, retry_after: int = 1) -> None:
        super().__init__(what, where, retry_after)
        self.retry_after = retry_after


class RolledBackError(LedgerError):
    """The log's past was changed: rolled back or forked. `evidence`: the texts of the checkpoints that contradict."""

    evidence: tuple[str, ...]

    def __init__(self, what: str, where: str | None = None, evidence: Sequence[str] = ()) -> None:
        kept = tuple(evidence)
        super().__init__(what, where, kept)
        self.evidence = kept


class CorruptError(LedgerError):
    """What the store or a disk gives back is not what was written."""


class ConfigError(LedgerError):
    """The operator's settings contradict each other or cannot work here."""
