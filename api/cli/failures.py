"""What went wrong, in words. Everything a user can cause is one of these; anything else is a defect of the program."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from ledger.errors import LedgerError, RolledBackError

if TYPE_CHECKING:
    import httpx

FAILED: Final = 1
USAGE: Final = 2


class CommandError(Exception):
    """The command could not do it. Its text says the act, what was expected, what came."""


def explain(error: Exception) -> str | None:
    """One error as people read it; None for what no user can have caused."""
    if isinstance(error, RolledBackError):
        return "\n".join([str(error), *error.evidence])
    if isinstance(error, CommandError | LedgerError):
        return str(error)
    if "httpx" in sys.modules:  # otherwise nothing has spoken to a server, and importing it takes longer than most acts
        import httpx

        if isinstance(error, httpx.InvalidURL):
            return f"reading the server's address: {error}"
        if isinstance(error, httpx.HTTPError):
            return network_failure(error)
    if isinstance(error, UnicodeError):
        return (
            f"reading a text: expected valid utf-8: {error.reason if isinstance(error, UnicodeEncodeError) else error}"
        )
    if isinstance(error, OSError):
        return system_failure(error)
    return None


def system_failure(error: OSError) -> str:
    """What the operating system refused, with the file's name where there is one."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def network_failure(error: httpx.HTTPError) -> str:
    """Why a server did not answer."""
    import httpx

    try:
        server = f"{error.request.url.scheme}://{error.request.url.netloc.decode('ascii')}"
    except RuntimeError:  # no request had been made yet
        server = "the server"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"reaching {server}: {_reason(error, 'no connection')}"
    if isinstance(error, httpx.TimeoutException):
        return f"waiting for {server}: no answer in time"
    return f"talking to {server}: {_reason(error, 'the connection was lost')}"


def _reason(error: httpx.HTTPError, otherwise: str) -> str:
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip())
    return text[:1].lower() + text[1:] if text else otherwise
