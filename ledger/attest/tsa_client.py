"""Asking a timestamp authority over HTTP (RFC 3161 §3.4), as a client that expects any answer or none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
from cryptography import x509

from ledger.attest.rfc3161_request import build_request, new_nonce
from ledger.attest.rfc3161_token import MAX_RESPONSE_BYTES, TimestampInfo, check_response
from ledger.errors import ConfigError, LedgerError, UnavailableError

TIMEOUT_SECONDS = 10.0
"""For the whole exchange, name resolution to last byte: an authority that sends a byte a second must not hold us."""

_HEADERS = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    # A compressed answer could unpack to any size; tokens do not compress anyway.
    "Accept-Encoding": "identity",
}


def request_timestamp(
    url: str,
    data: bytes,
    anchors: Sequence[x509.Certificate],
    policy: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> tuple[bytes, TimestampInfo]:
    """Ask the authority at `url` for a timestamp on `data`; return (DER of its whole response, what it says).

    A fresh nonce goes with each request. Redirects are not followed: the operator named this authority, not another.
    Only the SHA-256 of `data` leaves the machine. `timeout` is in seconds, for everything together.

    Raises UnavailableError (no answer in time, not HTTP 200, more than MAX_RESPONSE_BYTES, or a refusal),
    MalformedError and SignatureError as `check_response` does, ConfigError on a URL that is not http or https; all
    with the address as where, without its password.
    """
    where = _without_password(url)
    nonce = new_nonce()
    request = build_request(data, nonce, policy)
    try:
        response = asyncio.run(_post_within(url, request, timeout))
        return response, check_response(response, data, nonce, policy, anchors)
    except TimeoutError:
        what = f"asking for a timestamp: expected an answer within {timeout:g} s, got none"
        raise UnavailableError(what, where) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        came = str(error) or type(error).__name__
        raise UnavailableError(f"asking for a timestamp: expected an HTTP answer, got: {came}", where) from error
    except LedgerError as error:
        raise type(error)(error.what, where) from error


def _without_password(url: str) -> str:
    """Return the address as it may be logged; raise ConfigError where it is none."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"asking for a timestamp: expected an address, got {url!r}: {error}") from error
    shown = str(parsed.copy_with(userinfo=b""))
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError("asking for a timestamp: expected an http or https address, got another", shown)
    return shown


async def _post_within(url: str, request: bytes, timeout: float) -> bytes:
    """POST within `timeout` seconds. Only cancelling bounds the whole; httpx's own time-outs are for each read."""
    async with (
        asyncio.timeout(timeout),
        httpx.AsyncClient(follow_redirects=False, timeout=timeout) as client,
        client.stream("POST", url, content=request, headers=_HEADERS) as answer,
    ):
        return await _read_bounded(answer)


async def _read_bounded(answer: httpx.Response) -> bytes:
    if answer.status_code != httpx.codes.OK:
        raise UnavailableError(f"asking for a timestamp: expected HTTP 200, got {answer.status_code}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnavailableError("asking for a timestamp: expected an answer that is not compressed, got one that is")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise UnavailableError(f"asking for a timestamp: expected at most {MAX_RESPONSE_BYTES} bytes, got more")
    return bytes(body)
