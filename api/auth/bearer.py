"""The token in `Authorization: Bearer …` (RFC 6750), never in an address: addresses stand in logs and histories."""

from __future__ import annotations

import re
from typing import Final

from flask import Request

from api.auth.accounts import AccountStore, UnauthenticatedError
from ledger.casework.people import Actor

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9\-._~+/]{1,512}=*)", re.IGNORECASE)


def authenticate(request: Request, accounts: AccountStore) -> Actor:
    """Who is asking. Raises UnauthenticatedError without a token, or with one that opens nothing."""
    header: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        raise UnauthenticatedError("expected `Authorization: Bearer TOKEN`, got none", "authorization")
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise UnauthenticatedError("expected `Authorization: Bearer TOKEN`, got another form", "authorization")
    account = accounts.authenticate(match[1])
    return Actor(account.name, account.role)
