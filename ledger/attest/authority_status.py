"""How it stands with a timestamp authority, as operators see it and as the schedule decides by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

RENEWAL_MARGIN_MS = 365 * 24 * 3600 * 1000
"""A signer's certificate that ends within a year is shown: the authority must move to a new one in time."""


@dataclass(frozen=True, slots=True)
class AuthorityStatus:
    """How it stands with one authority. Times are milliseconds since 1970 (UTC) by our clock; None: never yet.

    `last_success_ms` and `stamped_size` are those of the last recorded token (of an earlier run, too), `last_index` its
    entry, `clock_difference_ms` how far its time lay outside what our clock said. `last_error` stays shown beside
    `last_error_ms` after a success; `failures` counts those since the last one.
    """

    name: str
    last_success_ms: int | None = None
    stamped_size: int | None = None
    last_index: int | None = None
    last_error: str | None = None
    last_error_ms: int | None = None
    failures: int = 0
    signer_ends_ms: int | None = None
    signer_ends_soon: bool = False
    clock_difference_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LastToken:
    """An authority's last recorded token: when it was recorded, over which tree size, as which entry."""

    recorded_ms: int
    stamped_size: int
    index: int


def status_from(name: str, last: LastToken | None) -> AuthorityStatus:
    if last is None:
        return AuthorityStatus(name)
    return AuthorityStatus(name, last.recorded_ms, last.stamped_size, last.index)


def caught_up(status: AuthorityStatus, last: LastToken | None) -> AuthorityStatus:
    """The status with a token that another process recorded: the authority answers, whatever we heard of it."""
    if last is None or (status.last_index is not None and last.index <= status.last_index):
        return status
    return replace(
        status,
        last_success_ms=last.recorded_ms,
        stamped_size=last.stamped_size,
        last_index=last.index,
        failures=0,
    )


def with_end(status: AuthorityStatus, now_ms: int) -> AuthorityStatus:
    ends = status.signer_ends_ms
    return replace(status, signer_ends_soon=ends is not None and ends - now_ms < RENEWAL_MARGIN_MS)
