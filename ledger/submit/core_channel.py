"""Messages between two processes that take turns: one asks, the other answers.

A message's length goes through a pipe, the message itself through memory that both see: one call writes it, one call
reads it, however long it is. A pipe holds 64 KiB, so that a megabyte takes some thirty calls, and at each of them a
thread of a busy process waits until the others let it go on, for milliseconds. Where the system has no such memory, the
message follows its length through the pipe.
"""

from __future__ import annotations

import os
import pickle
import struct
from contextlib import suppress
from typing import Any, BinaryIO, Final

_LENGTH: Final = struct.Struct("<Q")

MEMORY_KEPT: Final = 16 * 1024 * 1024
"""Bytes of shared memory that stay in use between messages; what a longer one took is given back."""


class Channel:
    """One end. `memory`: the descriptor of the shared memory, or None. What comes is believed: both ends run our code.

    Raises OSError, EOFError where the other end is gone.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO, memory: int | None) -> None:
        self._source = source
        self._sink = sink
        self._memory = memory

    def send(self, data: bytes) -> None:
        """Send what `pack_message` gave."""
        if self._memory is not None:
            at = 0
            while at < len(data):
                at += os.pwrite(self._memory, memoryview(data)[at:], at)
        self._sink.write(_LENGTH.pack(len(data)))
        if self._memory is None:
            self._sink.write(data)
        self._sink.flush()

    def receive(self) -> Any:
        """The next message, waited for."""
        (length,) = _LENGTH.unpack(_read(self._source, _LENGTH.size))
        if self._memory is None:
            return pickle.loads(_read(self._source, length))  # noqa: S301  (what our own process wrote)
        data = os.pread(self._memory, length, 0)
        while len(data) < length:
            more = os.pread(self._memory, length - len(data), len(data))
            if not more:
                raise EOFError
            data += more
        if length > MEMORY_KEPT:
            os.ftruncate(self._memory, 0)
        return pickle.loads(data)  # noqa: S301  (as above)


def pack_message(value: object) -> bytes:
    """A value as a message. Raises what `pickle` raises for one that it does not take."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def share_memory() -> int | None:
    """The descriptor of memory to share with a process that is started with it; None where the system has none."""
    if hasattr(os, "memfd_create"):
        with suppress(OSError):
            return os.memfd_create("evidence-core")
    return None


def _read(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise EOFError
    return data
