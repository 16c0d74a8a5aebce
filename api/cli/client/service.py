"""A ledger as its clients see it: requests with a token, refusals in words, and second attempts.

A request is tried again when the connection is lost after the server had been reached, and when the server answers that
it is full or restarting. Only requests that may be repeated are: reads, and an anchoring with its Idempotency-Key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import click
import httpx

from api.cli import PROGRAM
from api.cli.client.patience import Patience
from api.cli.failures import CommandError, network_failure
from api.cli.output import message

API: Final = "/api/v1"
# The server digests and syncs 10 GiB before it answers; a slow disk needs minutes for that.
TIMEOUT: Final = httpx.Timeout(connect=10, read=600, write=120, pool=10)
# 503: the ledger is full or stopping. 502, 504: a proxy says that the ledger behind it is away.
AWAY: Final = frozenset({502, 503, 504})


class RefusedError(CommandError):
    """The server answered, and the answer is no. `status`: the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Service:
    """One ledger, reached with one account's token. A context manager."""

    def __init__(self, server: str, token: str | None) -> None:
        if not token:
            raise click.UsageError("who are you? expected --token or EVIDENCE_LEDGER_TOKEN, got neither")
        base = _address(server)
        if not token.isascii() or not token.isprintable() or " " in token:
            raise CommandError("reading the token: expected visible characters without blanks")
        local = _is_local(base.host)
        if base.scheme == "http" and not local:
            message(f"warning: {base} is not encrypted: who can read the network can read the token and the evidence")
        self._reached = False
        self._client = httpx.Client(
            base_url=base,
            # Evidence and receipts are wanted as their exact bytes: nobody on the way may pack them.
            headers={"Authorization": f"Bearer {token}", "User-Agent": PROGRAM, "Accept-Encoding": "identity"},
            timeout=TIMEOUT,
            trust_env=not local,  # a proxy from the environment cannot reach this machine's own ports
            follow_redirects=False,  # the token is for this server, not for where it points
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> httpx.Response:
        """Read `path` below the API. Raises RefusedError, httpx.HTTPError."""
        return self.repeated(lambda: self._client.get(API + path, params=dict(parameters or {})))

    def post(self, path: str, body: object) -> httpx.Response:
        """Post JSON, once: it must not be repeated blindly. Raises RefusedError, httpx.HTTPError."""
        return self._accepted(self._client.post(API + path, json=body))

    def post_parts(
        self, path: str, key: str, parts: Callable[[], list[tuple[str, Any]]], *, patience: Patience | None = None
    ) -> httpx.Response:
        """Post a form under an Idempotency-Key, anew from `parts()` at each attempt. Raises as `get`."""
        headers = {"Idempotency-Key": key}
        return self.repeated(lambda: self._client.post(API + path, headers=headers, files=parts()), patience)

    @contextmanager
    def streamed(self, path: str, parameters: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Read `path` as a stream, once. Raises RefusedError, httpx.HTTPError."""
        with self._client.stream("GET", API + path, params=dict(parameters)) as response:
            self._reached = True
            if not response.is_success:
                response.read()
            yield self._accepted(response)

    def repeated(self, request: Callable[[], httpx.Response], patience: Patience | None = None) -> httpx.Response:
        """The answer to `request`, asked again while the server is away and patience lasts."""
        patience = patience or Patience()
        while True:
            try:
                response = request()
            except httpx.TransportError as error:
                if not self.may_come_back(error) or not patience.ask(network_failure(error)):
                    raise
                continue
            self._reached = True
            if response.status_code in AWAY:
                refusal = _refusal(response)
                if patience.ask(str(refusal), _retry_after(response)):
                    continue
                raise refusal
            return self._accepted(response)

    def may_come_back(self, error: httpx.TransportError) -> bool:
        """Whether the request may succeed later: the server was there before, and the fault is not in what we sent."""
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.ProxyError):
            return False
        return self._reached or not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        self._reached = True
        if not response.is_success:
            raise _refusal(response)
        return response


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer. Raises CommandError where another program answered."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CommandError("reading the answer: expected a json object; is this an evidence ledger?")
    return found


def segment(text: str) -> str:
    """`text` as one part of a path, whatever it holds."""
    return quote(text, safe="")


def _address(server: str) -> httpx.URL:
    try:
        url = httpx.URL(server.rstrip("/"))
    except httpx.InvalidURL as error:
        raise click.UsageError(f"reading --server: {error}, got {server!r}") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise click.UsageError(f"reading --server: expected an address such as http://127.0.0.1:8080, got {server!r}")
    return url


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of the Retry-After header; None where there is none, or a date, which needs both clocks to agree."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _refusal(response: httpx.Response) -> RefusedError:
    """The server's own words (application/problem+json, RFC 9457), or its status where it has none."""
    status = response.status_code
    said = f"{status} {response.reason_phrase.lower()}".strip()
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        words = [problem[member] for member in ("title", "where", "detail") if isinstance(problem.get(member), str)]
        if words:
            said = f"{': '.join(words)} ({status})"
    elif status not in AWAY:
        said += "; is this an evidence ledger?"
    return RefusedError(status, said)
