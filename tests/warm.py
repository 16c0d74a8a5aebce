"""The project's programs without the second that each needs to import itself: forked from a process that has done it.

One such process for each pytest process, started when the first program is. What runs is the program's own `main`, in a
process of its own, with its own words, environment, folder and streams. How the installed scripts begin is shown where
they are run as such (tests/api/cli/test_process.py, tests/verifier/test_cli.py).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from api.cli.program import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
LEDGER = "api.cli:main"
VERIFIER = "verifier.cli:main"

_MODULES = ("api.cli.program", "api.serve.server", "verifier.cli", "ledger.blobs.s3_blobs")
_READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_")
"""Variables that an interpreter or its libraries read once: they have to be those of the process that is forked."""

_ORDER_BYTES = 1 << 20
_STATUS = struct.Struct("=i")


@dataclass(frozen=True, slots=True)
class _Order:
    main: str
    words: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    new_session: bool


def fits(env: Mapping[str, str]) -> bool:
    """Whether a program with this environment may be forked from a process with ours."""
    here, there = (
        {name: value for name, value in each.items() if name.startswith(_READ_AT_START)} for each in (os.environ, env)
    )
    return here == there == _begun_with()


class Child:
    """A running program; what subprocess.Popen calls the same does the same."""

    def __init__(self, words: Sequence[str], report: socket.socket) -> None:
        self.args = list(words)
        self.returncode: int | None = None
        self._report = report
        self.pid = int(_STATUS.unpack(report.recv(_STATUS.size))[0])

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, or the negative number of the signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(_STATUS.unpack(self._report.recv(_STATUS.size))[0])
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    main: str,
    words: Sequence[str | bytes | Path],
    *,
    env: Mapping[str, str],
    stdout: IO[Any] | int,
    stderr: IO[Any] | int,
    cwd: Path | None = None,
    new_session: bool = False,
) -> Child:
    """Start a program, as `module:function`, without a stdin."""
    given = [os.fsdecode(word) for word in words]
    order = pickle.dumps(_Order(main, given, dict(env), str(cwd or Path.cwd()), new_session))
    assert len(order) <= _ORDER_BYTES
    report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, open(os.devnull, "rb") as nothing:
        handles = [each if isinstance(each, int) else each.fileno() for each in (nothing, stdout, stderr, theirs)]
        socket.send_fds(_forker(), [order], handles)
    return Child(given, report)


def run(
    main: str,
    words: Sequence[str | bytes | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float = 120,
    errors: str = "strict",
) -> subprocess.CompletedProcess[str]:
    """One program, to its end, with what it wrote."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = start(main, words, env=env, stdout=stdout, stderr=stderr, cwd=cwd)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
        said = []
        for each in (stdout, stderr):
            each.seek(0)
            said.append(each.read().decode("utf-8", errors))
    return subprocess.CompletedProcess(child.args, code, *said)


@cache
def _begun_with() -> Mapping[str, str]:
    """What the forked process was started with, of what is read at a start."""
    _forker()
    return {name: value for name, value in _environment.items() if name.startswith(_READ_AT_START)}


_environment: dict[str, str] = {}


@cache
def _forker() -> socket.socket:
    """The line to the process that forks. It ends when this end is closed, at our own end at the latest."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ORDER_BYTES)
    _environment.update(os.environ)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
            cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
        )  # fmt: skip
    atexit.register(_end, ours, process)
    return ours


def _end(line: socket.socket, process: subprocess.Popen[bytes]) -> None:
    line.close()
    process.wait(10)


# --- the other process ------------------------------------------------------------------------------------------------


def _become_program(orders: socket.socket) -> _Order:
    """Fork for each order; returns in the new processes alone, which are the programs."""
    while True:
        data, handles, _, _ = socket.recv_fds(orders, _ORDER_BYTES, 4)
        if not data:
            os._exit(0)
        if os.fork() == 0:
            break
        for each in handles:
            os.close(each)
    # Its parent waits for it and reports; the one that forks has no time for that.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    orders.close()
    *streams, report = handles
    pid = os.fork()
    if pid == 0:
        os.close(report)
        for number, handle in enumerate(streams):
            os.dup2(handle, number)
            os.close(handle)
        order: _Order = pickle.loads(data)  # noqa: S301  # from the process that started us
        return order
    for handle in streams:
        os.close(handle)
    with suppress(BrokenPipeError), socket.socket(fileno=report) as line:
        line.send(_STATUS.pack(pid))
        line.send(_STATUS.pack(os.waitpid(pid, 0)[1]))
    os._exit(0)


def _run(order: _Order) -> object:
    if order.new_session:
        os.setsid()
    os.environ.clear()
    os.environ.update(order.env)
    os.chdir(order.cwd)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]  # a text stream, as at a start
    module, _, function = order.main.partition(":")
    sys.argv = [module, *order.words]
    return getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    for name in (*_MODULES, *COMMANDS.values()):  # a command is imported when it is asked for
        with suppress(ImportError):  # boto3 is an extra
            importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.exit(_run(_become_program(socket.socket(fileno=int(sys.argv[1])))))  # type: ignore[arg-type]  # as scripts do
