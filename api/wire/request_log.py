"""One line for each request: when, what, how it ended, how long it took. Never what was in it.

No query, body, token, account, file name or opening. An address that matches no route is somebody's text, and is not
written either; of the others the path is, for receipt numbers and cases are what an operator looks for.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from flask import Flask, Request, Response, g, request

from api.wire.metrics import Metrics
from api.wire.problem import Problem

_log = logging.getLogger("evidence_ledger.access")

UNKNOWN_ROUTE = "-"
_PLAIN: Final = re.compile(r"[A-Za-z0-9/:._~-]*")  # as `quote` leaves it


def install(app: Flask, metrics: Metrics) -> None:
    """Log and count the requests of `app`."""

    def start() -> None:
        g.started = time.perf_counter()

    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule is not None else UNKNOWN_ROUTE
        reason = response.slug if isinstance(response, Problem) else None
        method = request.method if request.url_rule is not None else UNKNOWN_ROUTE
        metrics.count(method, route, response.status_code, seconds, reason)
        _log.info(Line.of(request, response.status_code, seconds, reason))
        return response

    app.before_request(start)
    app.after_request(finish)


@dataclass(frozen=True, slots=True)
class Line:
    """One request as it is logged. `reason`: the kind of problem, where it was refused."""

    method: str
    path: str
    status: int
    ms: float
    reason: str | None

    @classmethod
    def of(cls, request: Request, status: int, seconds: float, reason: str | None = None) -> Line:
        """Quoted: no request can write a line of its own."""
        known = request.url_rule is not None
        path = request.path if known else UNKNOWN_ROUTE
        if not _PLAIN.fullmatch(path):
            path = quote(path, safe="/:.-_~")
        return cls(request.method if known else UNKNOWN_ROUTE, path, status, round(seconds * 1000, 1), reason)

    def __str__(self) -> str:
        """`POST /api/v1/cases 201 3.2ms`, and for a refusal its kind."""
        refused = "" if self.reason is None else f" {self.reason}"
        return f"{self.method} {self.path} {self.status} {self.ms:.1f}ms{refused}"

    def fields(self) -> dict[str, object]:
        """For a log of JSON lines."""
        found: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value is not None}
