"""Refusals that only HTTP knows."""

from __future__ import annotations

from ledger.errors import LedgerError


class MediaTypeError(LedgerError):
    """The body's Content-Type or Content-Encoding is none that is taken here. HTTP 415."""
