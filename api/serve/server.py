"""From settings to a running server."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # ships no types
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # ships no types

from api.app import create_app
from api.auth.accounts import AccountStore
from api.serve.body import check_bodies
from api.serve.log_lines import Shape, gunicorn_logger, log_to_stderr
from api.serve.worker import Worker
from api.settings import (
    BACKLOG,
    CONNECTIONS,
    HEADER_BYTES,
    HEADER_FIELDS,
    KEEPALIVE_SECONDS,
    REQUEST_LINE_BYTES,
    STOP_SECONDS,
    THREADS,
    HttpSettings,
)
from ledger.assembly import Ledger
from ledger.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from _typeshed.wsgi import WSGIApplication

    from ledger.config import Settings

# Recovery at start may read the last batch again; a loop that stands still for longer is broken.
_HEARTBEAT_SECONDS: Final = 120
# Objects made and not yet freed after which the collector looks through them: some ten requests' worth.
_NEW_OBJECTS: Final = 20_000


def serve(
    settings: Settings,
    host: str,
    port: int,
    workers: int = 1,
    *,
    accept_checkpoint: Path | None = None,
    log: Shape = "text",
) -> int:
    """Serve until SIGTERM or SIGINT. Prints `listening on http://HOST:PORT` on stdout once requests are answered; port
    0 takes a free one.

    Returns the exit status: 0 when it was told to stop. Raises what opening the ledger raises (ConfigError,
    RolledBackError with its evidence, CorruptError), and ConfigError for several processes on SQLite or an address that
    cannot be taken.
    """
    if workers > 1 and settings.embedded:
        raise ConfigError(
            "serve: more than one worker needs PostgreSQL; on SQLite exactly one process writes", "workers"
        )
    _check_address(host, port)
    log_to_stderr(log)
    failures: SimpleQueue[LedgerError] = multiprocessing.get_context("fork").SimpleQueue()
    application = _Application(
        settings, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", workers, accept_checkpoint, failures, log
    )
    parent = os.getpid()
    # What kept a worker from starting is raised below; what gunicorn says of its death would only hide it.
    logging.getLogger("gunicorn.error").addFilter(lambda _record: failures.empty())
    try:
        Arbiter(application).run()
    except SystemExit as stopped:
        if os.getpid() != parent:
            raise  # a worker, born inside `run`, ends: its status is the arbiter's to read
        if not failures.empty():
            raise failures.get() from None
        return 0 if stopped.code in (0, None) else 1
    return 0


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """What gunicorn runs. The ledger is opened in the process that uses it: neither its threads nor its connections and
    locks survive a fork."""

    def __init__(
        self,
        settings: Settings,
        address: str,
        workers: int,
        accept_checkpoint: Path | None,
        failures: SimpleQueue[LedgerError],
        log: Shape,
    ) -> None:
        self._settings = settings
        self._address = address
        self._workers = workers
        self._accept_checkpoint = accept_checkpoint
        self._failures = failures
        self._log = log
        self._announced = multiprocessing.get_context("fork").Event()
        self._ledger: Ledger | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": [self._address],
            "workers": self._workers,
            "worker_class": Worker,
            "threads": THREADS,
            "backlog": BACKLOG,
            "worker_connections": CONNECTIONS,
            "keepalive": KEEPALIVE_SECONDS,
            "timeout": _HEARTBEAT_SECONDS,
            "graceful_timeout": STOP_SECONDS,
            "limit_request_line": REQUEST_LINE_BYTES,
            "limit_request_fields": HEADER_FIELDS,
            "limit_request_field_size": HEADER_BYTES,
            # Who stands in front is said with --behind-proxy, and believed in one place only.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            # Instances of one user would share it.
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": gunicorn_logger(self._log),
            "post_worker_init": self._announce,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        _pin_to_one_core()
        try:
            ledger = Ledger.open(self._settings, self._accept_checkpoint)
        except LedgerError as error:
            self._failures.put(error)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        self._ledger = ledger
        ledger.start()
        application = create_app(ledger, AccountStore(ledger.engine), HttpSettings.of(self._settings))
        _spare_the_collector()
        return check_bodies(application)

    def close(self) -> None:
        """Let the ledger finish what it has taken. Called once, when no request is under way any more."""
        if self._ledger is not None:
            self._ledger.close()

    def _announce(self, worker: Worker) -> None:
        if self._announced.is_set():
            return
        self._announced.set()
        host, port = worker.sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"listening on http://{shown}:{port}", flush=True)


def _spare_the_collector() -> None:
    """What stands by now stays, and need not be looked through for garbage again and again: a full look stopped every
    request for 50 ms and more. A request makes some thousand objects and leaves hardly a cycle behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _check_address(host: str, port: int) -> None:
    """gunicorn would try for five seconds and then say little. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ConfigError(f"serve: cannot listen on {host}:{port}: {reason.lower()}", "port") from error


def _pin_to_one_core() -> None:
    """Threads of one interpreter on several cores only contend for its lock: pinned, requests are 1.6 times as many.

    Each process takes a core of its own as far as they go. Where the system cannot, nothing is lost but speed.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})
