"""The peer: a bare Flask endpoint that answers a JSON body with itself, on the ledger's own server.

`python -m benchmarks.echo_server DATA`: the same gunicorn with the same options, worker, threads and pinning as
`evidence-ledger serve`, so that only what the application does differs. DATA is not looked into.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # ships no types

from api.serve import server
from benchmarks.logs import ORIGIN
from ledger.config import load_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def create_echo() -> Flask:
    """`POST /echo`: JSON in, the same JSON out."""
    app = Flask("echo", static_folder=None, template_folder=None)

    @app.post("/echo")
    def echo() -> tuple[Response, int]:
        return jsonify(request.get_json()), 201

    return app


class EchoApplication(server._Application):
    """The ledger's server with another application inside."""

    def load(self) -> WSGIApplication:
        server._pin_to_one_core()
        return create_echo()


def main() -> None:
    """Serve on a free port of 127.0.0.1 until SIGTERM."""
    settings = load_settings(Path(sys.argv[1]), {"origin": ORIGIN}, {})
    failures = multiprocessing.get_context("fork").SimpleQueue()
    Arbiter(EchoApplication(settings, "127.0.0.1:0", 1, None, failures, "text")).run()


if __name__ == "__main__":
    main()
