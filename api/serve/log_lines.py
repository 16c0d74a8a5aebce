"""How the server's log is written: a JSON object a line for machines, a line of words for a person at a terminal.

Of an exception only its types and places are written (api.wire.problem.trace): a database's or a parser's message may
quote what it failed on, and that may be an opening.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final, Literal

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # ships no types

from api.wire.problem import trace

Shape = Literal["json", "text"]

LOGGERS: Final = ("evidence_ledger", "ledger")


class _Words(logging.Formatter):
    """`2026-11-21 09:15:02,123 INFO evidence_ledger.access: GET /readyz 200 0.4ms`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: Any) -> str:  # logging's own name
        return trace(ei[1])


class JsonLines(logging.Formatter):
    """`{"time":"2026-11-21T09:15:02.123Z","level":"info","logger":"…","message":"…"}`; a request's line also has
    method, path, status, ms and, if it was refused, reason; an exception's has trace.
    """

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = trace(record.exc_info[1])
        # ASCII: a lone surrogate in somebody's text has no UTF-8, and a log line must not fail.
        return json.dumps(line)


def formatter(shape: Shape) -> logging.Formatter:
    """The formatter of this shape."""
    return JsonLines() if shape == "json" else _Words()


def log_to_stderr(shape: Shape) -> None:
    """Send what the ledger and the API say to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(shape))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False


def gunicorn_logger(shape: Shape) -> type[Logger]:
    """gunicorn's own logger, in the same shape."""

    class ShapedLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            for handler in self.error_log.handlers:
                handler.setFormatter(formatter(shape))

    return ShapedLogger
