"""A client's connection, and how long it may take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from enum import Enum

from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]  # ships no types
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT, TConn  # type: ignore[import-untyped]  # ships no types

from api.serve.arrival import Arrival
from api.settings import BYTES_PER_SECOND_MIN, PATIENCE_SECONDS


class State(Enum):
    """IDLE: no byte of a request has come; ARRIVING: some have; BUSY: a thread has it; LEAVING: answered for the last
    time, and the client is given a moment to read it.
    """

    IDLE = 1
    ARRIVING = 2
    BUSY = 3
    LEAVING = 4


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A client that is too slow is taken to be gone.

    It has 30 seconds for a request, and one more for each 8 KiB that it sent: a file of gigabytes over a slow line
    arrives, and a head or a body dripped byte by byte does not.

    state, since -- since when it is in this state (monotonic seconds)
    watched      -- whether the loop looks for what comes; while BUSY, a change is made under `lock` alone
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.arrival = Arrival()
        self.state = State.IDLE
        self.since = time.monotonic()
        self.watched = False
        self.lock = threading.Lock()

    def enter(self, state: State) -> None:
        """Be in this state from now on. In this order: who finds it idle must not find it idle since long ago."""
        self.since = time.monotonic()
        self.state = state

    def init(self) -> None:
        is_new = not self.initialized
        super().init()
        if is_new and self.parser is not None:
            self._receive: Callable[[int | None], bytes] = self.parser.unreader.chunk
            self.parser.unreader.chunk = self._receive_in_time
        self._started = time.monotonic()
        self._received = 0
        self._is_whole = False

    def hand_over(self, *, is_whole: bool = False) -> None:
        """What has come of a request is what the parser reads first. `is_whole`: it reads nothing else, and waits for
        nobody: should it look for more, the connection ends.
        """
        self.init()
        self._is_whole = is_whole
        self.parser.unreader.unread(self.arrival.give())

    def is_read_to_its_end(self) -> bool:
        """Whether the next byte is another request's, once what is left of this one's body has been read, within
        gunicorn's bounds.
        """
        body = self.parser.mesg.body
        at_end = isinstance(body.reader, LengthReader) and body.reader.length == 0 and not body.failed
        if at_end or self.parser.finish_body(deadline=time.monotonic() + DEFAULT_WORKER_DATA_TIMEOUT):
            self.parser.mesg = None  # nothing more is to be done about it
            return True
        return False

    @property
    def is_late(self) -> bool:
        """Whether what has come of a request came too slowly."""
        return time.monotonic() - self.since > PATIENCE_SECONDS + self.arrival.size / BYTES_PER_SECOND_MIN

    def shut(self) -> None:
        """End it for both sides at once; whoever reads from it sees its end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already

    def _receive_in_time(self, size_hint: int | None = None) -> bytes:
        left = PATIENCE_SECONDS + self._received / BYTES_PER_SECOND_MIN - (time.monotonic() - self._started)
        before = self.sock.gettimeout()
        try:
            if left <= 0 or self._is_whole:
                raise TimeoutError
            self.sock.settimeout(left if before is None else min(left, before))
            data = self._receive(size_hint)
            self.sock.settimeout(before)
        except TimeoutError:
            # Shut, not merely reported as ended: nothing that comes later may be read as another request.
            self.shut()
            return b""
        self._received += len(data)
        return data
