"""One line for each request: when, what, how it ended, how long it took. Never what was in it.

No query, body, token, account, file name or opening. An address that matches no route is somebody's text, and is not
written either; of the others the path is, for receipt numbers and cases are what an operator looks for.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from flask import Flask, Request, Response, g, request

from api.wire.metrics import Metrics

_log = logging.getLogger("evidence_ledger.access")

UNKNOWN_ROUTE = "-"


def install(app: Flask, metrics: Metrics) -> None:
    """Log and count the requests of `app`."""

    def start() -> None:
        g.started = time.perf_counter()

    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule is not None else UNKNOWN_ROUTE
        metrics.count(request.method if request.url_rule is not None else "-", route, response.status_code, seconds)
        _log.info("%s", format_line(request, response.status_code, seconds))
        return response

    app.before_request(start)
    app.after_request(finish)


def format_line(request: Request, status: int, seconds: float) -> str:
    """`POST /api/v1/cases 201 3.2ms`. Quoted: no request can write a line of its own."""
    known = request.url_rule is not None
    path = quote(request.path, safe="/:.-_~") if known else UNKNOWN_ROUTE
    method = request.method if known else UNKNOWN_ROUTE
    return f"{method} {path} {status} {seconds * 1000:.1f}ms"
