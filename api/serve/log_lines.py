"""How the server's log is written: a JSON object a line for machines, a line of words for a person at a terminal.

Of an exception only its types and places are written (api.wire.problem.trace): a database's or a parser's message may
quote what it failed on, and that may be an opening.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Literal, TextIO

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # ships no types

from api.wire.problem import trace
from api.wire.request_log import Line

Shape = Literal["json", "text"]

_FLUSH_SECONDS: Final = 1.0

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
        if isinstance(record.msg, Line):
            line |= record.msg.fields()
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = trace(record.exc_info[1])
        # ASCII: a lone surrogate in somebody's text has no UTF-8, and a log line must not fail.
        return json.dumps(line)


def formatter(shape: Shape) -> logging.Formatter:
    """The formatter of this shape."""
    return JsonLines() if shape == "json" else _Words()


class GatheringHandler(logging.Handler):
    """Writes lines from a thread of its own, all that wait in one piece: no request waits for a terminal or a pipe, and
    under load one write serves many. `flush` returns when all are written, or after a second.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # a thread does not survive it

    def createLock(self) -> None:  # logging's own name
        self.lock = None  # the queue is safe without

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put(record)

    def flush(self) -> None:
        written = threading.Event()
        self._records.put(written)
        written.wait(_FLUSH_SECONDS)

    def _begin(self) -> None:
        self._records: SimpleQueue[logging.LogRecord | threading.Event] = SimpleQueue()
        threading.Thread(target=self._write, args=(self._records,), name="log", daemon=True).start()

    def _write(self, records: SimpleQueue[logging.LogRecord | threading.Event]) -> None:
        while True:
            taken = [records.get()]
            while not records.empty():
                taken.append(records.get())
            lines = [self.format(each) + "\n" for each in taken if isinstance(each, logging.LogRecord)]
            with suppress(OSError, ValueError):  # stderr is gone: there is nobody to tell
                self._stream.write("".join(lines))
                self._stream.flush()
            for each in taken:
                if isinstance(each, threading.Event):
                    each.set()


def log_to_stderr(shape: Shape) -> None:
    """Send what the ledger and the API say to stderr."""
    # None of it is shown, and some of it is asked of the system for each record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = GatheringHandler(sys.stderr)
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
