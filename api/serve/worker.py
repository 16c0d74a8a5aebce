"""One process of the server: a loop that waits for all clients, and threads that wait for none of them.

    accept → IDLE → bytes come → ARRIVING → whole, or long → BUSY in a thread → answered → IDLE, or LEAVING → closed

gunicorn parses requests and writes answers. Its own threaded worker gives each new connection to a thread at once, and
lets the loop wait for clients that take their time to leave: some hundred idle ones would stand still the rest.
"""

from __future__ import annotations

import errno
import os
import resource
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any, Final

from gunicorn import util  # type: ignore[import-untyped]  # ships no types
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]  # ships no types
from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker  # type: ignore[import-untyped]  # ships no types

from api.serve.answering import answer
from api.serve.arrival import Readiness
from api.serve.connection import Connection, State
from api.serve.crew import Crew
from api.serve.lane import Lane
from api.serve.refusal import refuse
from api.settings import (
    COLLECTED_BYTES_MAX,
    GRACE_SECONDS,
    KEEPALIVE_SECONDS,
    SILENCE_SECONDS,
    THREADS,
    THREADS_MAX,
    UPLOAD_THREADS,
)

# After the grace, connections are cut; their threads see it at once and drop what they were receiving.
_CUT_SECONDS: Final = 1.0
# A client whose connection ends reads its answer and closes; one that does not is not waited for.
_LEAVING_SECONDS: Final = 2.0
# While stopping, a client may already be sending on a connection that was kept open for it.
_LINGER_SECONDS: Final = 1.0
# Between two looks at what takes too long.
_ROUND_SECONDS: Final = 0.5
_RECEIVE_BYTES: Final = 64 * 1024
# File numbers for the database, files being received and sent, and the rest.
_FILES_BESIDE: Final = 1_024
_CLOSED_AT_ONCE: Final = 64


class _MethodQueue(PollableMethodQueue):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own writes a byte to its pipe also after closing it: by then the number may be one of our files."""

    _read_fd: int | None
    _write_fd: int | None

    def close(self) -> None:
        numbers = (self._read_fd, self._write_fd)
        self._read_fd = self._write_fd = -1
        for number in numbers:
            if number is not None:
                os.close(number)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Stopping: no new connections; requests under way have GRACE_SECONDS; then their connections are cut, which drops
    what they were receiving; then the ledger is closed, which finishes what it has taken. SIGINT and SIGQUIT stop the
    same way: Ctrl-C must not lose more than a service manager does.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.method_queue = _MethodQueue()
        self._uploads = Crew("upload", UPLOAD_THREADS)
        self._crew = Crew("request", THREADS, THREADS_MAX)
        self._anchoring = Lane("anchoring", self._crew)
        self._connections: set[Connection] = set()
        self._collected = 0  # bytes of requests that are arriving
        self._next_round = 0.0

    def get_thread_pool(self) -> Crew:
        return self._crew

    def init_process(self) -> None:
        # The arbiter kills what has not ended after STOP_SECONDS; this process must be ready before.
        self.cfg.set("graceful_timeout", GRACE_SECONDS)
        self._connections_max = min(self.worker_connections, _allow_files() - _FILES_BESIDE)
        super().init_process()

    def run(self) -> None:
        try:
            self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)
            while self.alive and self.is_parent_alive():
                self._turn()
            self._let_them_finish()
            self._cut_connections()
        finally:
            self.app.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.handle_exit(sig, frame)

    def _turn(self) -> None:
        """Wait for what comes, deal with it, and now and then with what does not come."""
        self.set_accept_enabled(self.alive and len(self._connections) < self._connections_max)
        self.wait_for_and_dispatch_events(timeout=_ROUND_SECONDS)
        now = time.monotonic()
        if now >= self._next_round:
            self._next_round = now + _ROUND_SECONDS
            self.notify()
            self._crew.relieve()
            self._anchoring.relieve()
            for conn in list(self._connections):
                if self._is_over(conn, now):
                    self._drop(conn)

    # ---- connections -------------------------------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError:
            return  # the client was gone before it was accepted
        # A client that takes no byte of its answer must not hold a thread for ever.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(SILENCE_SECONDS), 0))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn = Connection(self.cfg, client, address, listener.getsockname())
        client.setblocking(True)
        self._connections.add(conn)
        self._watch(conn)
        if len(self._connections) >= self._connections_max:
            self._make_room()

    def _readable(self, conn: Connection, _sock: socket.socket) -> None:
        with conn.lock:
            if conn.state is State.BUSY:
                # It sends on before it has its answer, or went away: nobody looks until the thread is done with it.
                self._unwatch(conn)
                return
        try:
            data = conn.sock.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if conn.state is State.LEAVING or (not data and conn.state is State.IDLE):
            if not data:
                self._drop(conn)
            return
        if conn.state is State.IDLE:
            conn.enter(State.ARRIVING)
        self._collected += len(data)
        # At its end the parser is to see that something is missing.
        self._consider(conn, conn.arrival.take(data) if data else Readiness.WHOLE)

    def _consider(self, conn: Connection, readiness: Readiness) -> None:
        if readiness is Readiness.MORE:
            if self._collected <= COLLECTED_BYTES_MAX:
                return
            readiness = Readiness.LONG
        self._collected -= conn.arrival.size
        is_anchoring = readiness is Readiness.WHOLE and conn.arrival.is_anchoring
        conn.enter(State.BUSY)
        conn.hand_over(is_whole=is_anchoring)
        if readiness is Readiness.LONG:
            self._unwatch(conn)
            self._uploads.submit(partial(self._serve, conn))
        elif is_anchoring:
            self._anchoring.submit(partial(self._serve, conn, self._anchoring))
        else:
            self._crew.submit(partial(self._serve, conn))

    def _serve(self, conn: Connection, lane: Lane | None = None) -> None:
        """In a thread, or in a lane: one request and its answer."""
        again = self.handle(conn, lane)
        if again and self.alive and not conn.parser.unreader.buf.getvalue():
            with conn.lock:
                if conn.watched:  # as a rule: the loop need not even hear of it
                    conn.enter(State.IDLE)
                    return
        self.method_queue.defer(self._served, conn, again)

    def handle(self, conn: Connection, lane: Lane | None = None) -> bool:
        """gunicorn's own, without TLS and HTTP/2, and without a system call that a request does not need: at each one
        the threads take turns. Returns whether the connection takes another request.
        """
        request = None
        try:
            request = next(conn.parser)
            again = answer(self.wsgi, request, conn, self.cfg, is_last=not self.alive, lane=lane)
            return again and conn.is_read_to_its_end()
        except (NoMoreData, StopIteration):
            self.log.debug("the client is done")
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                self.log.exception("a connection failed")
        except Exception as error:
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def _served(self, conn: Connection, again: bool) -> None:
        """Back in the loop: wait for the next request, which may be here already, or for the client to leave."""
        conn.enter(State.IDLE if again else State.LEAVING)
        if not again:
            try:
                conn.sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._drop(conn)
                return
        self._watch(conn)
        left = conn.parser.unreader.take_buffered() if again else b""
        if left:
            conn.enter(State.ARRIVING)
            self._collected += len(left)
            self._consider(conn, conn.arrival.take(left))

    def _watch(self, conn: Connection) -> None:
        if not conn.watched:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._readable, conn))
            conn.watched = True

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = False

    def _drop(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._connections.discard(conn)
        self._collected -= conn.arrival.size
        conn.arrival.give()
        conn.close()

    # ---- bounds ------------------------------------------------------------------------------------------------------

    def _is_over(self, conn: Connection, now: float) -> bool:
        match conn.state:
            case State.IDLE:
                return now - conn.since > (KEEPALIVE_SECONDS if self.alive else _LINGER_SECONDS)
            case State.ARRIVING:
                return conn.is_late
            case State.LEAVING:
                return now - conn.since > _LEAVING_SECONDS
        return False

    def _make_room(self) -> None:
        """Close those that have been idle longest, some at a time: looking for them takes a look at all."""
        idle = [conn for conn in self._connections if conn.state is State.IDLE]
        for conn in sorted(idle, key=lambda conn: conn.since)[:_CLOSED_AT_ONCE]:
            self._drop(conn)

    # ---- stopping ----------------------------------------------------------------------------------------------------

    def _let_them_finish(self) -> None:
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        self._next_round = 0.0
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < deadline:
            self._turn()

    def _cut_connections(self) -> None:
        for conn in self._connections:
            conn.shut()
        deadline = time.monotonic() + _CUT_SECONDS
        while any(conn.state is State.BUSY for conn in self._connections) and time.monotonic() < deadline:
            self.wait_for_and_dispatch_events(timeout=0.05)
        left = sum(conn.state is State.BUSY for conn in self._connections)
        if left:
            self.log.warning("%d requests did not end and are abandoned unanswered", left)
        self.poller.close()
        self.method_queue.close()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """What cannot be parsed as a request gets a problem too, without being repeated: it is somebody's bytes."""
        status, refusal = refuse(exc)
        if status == 500:
            self.log.error("a request failed in the server: %s", type(exc).__name__, exc_info=exc)
        try:
            util.write_nonblock(client, refusal)
        except OSError:
            self.log.debug("the client did not wait for its refusal")


def _allow_files() -> int:
    """As many open files as the system lets us have: every connection is one. Returns their number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 16)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
    return wanted
