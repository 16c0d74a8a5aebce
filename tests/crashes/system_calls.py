"""System calls of a running writer: recorded, failed or made deadly one by one, with strace.

A writer is attached to while it waits at its gate: what is counted is a start, the way from a request to its answer,
and the end. strace counts the calls of each thread, and of each kind, on their own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.crashes.nursery import ROOT, Nursery
from tests.crashes.writer import Order

ATTACH_SECONDS = 30
_CODE = re.compile(rf'\.pyc?[">]|/python3|{ROOT}/(?:ledger|api)/')
_CALL = re.compile(r"(\d+) +(?:[\d.]+ )?([a-z0-9_]+)\(")


@dataclass(frozen=True)
class Fault:
    """The `nth` call of this kind in each thread fails with `error`, or (empty) kills; `lasting`: and all after it."""

    call: str
    nth: int
    error: str = ""
    lasting: bool = False

    def __str__(self) -> str:
        what = f"fails with {self.error}" if self.error else "kills"
        return f"{self.call} {what} at {self.nth}{' and from then on' if self.lasting else ''}"

    @property
    def option(self) -> str:
        how = f"error={self.error}" if self.error else "signal=KILL"
        return f"inject={self.call}:{how}:when={self.nth}{'+' if self.lasting else ''}"


@dataclass(frozen=True)
class Traced:
    """A writer's end: its wait status, whether the fault came, and what strace saw. `elsewhere`: the fault hit the
    program's own code as Python read it, which says nothing of the ledger.
    """

    status: int
    met: bool
    lines: list[str]

    @property
    def elsewhere(self) -> bool:
        return any("(INJECTED)" in line and _CODE.search(line) for line in self.lines)

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each thread made each call."""
        calls = (_CALL.match(line) for line in self.lines)
        return Counter((call[1], call[2]) for call in calls if call is not None)


def demand_strace() -> str:
    """The tool's path; skips where it is missing, or may not look at another process."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return strace


def traced(
    nursery: Nursery, order: Order, *, calls: str, fault: Fault | None = None, more: tuple[str, ...] = ()
) -> Traced:
    """Run a writer and trace these calls (strace's own list) from its gate on."""
    strace = demand_strace()
    gate = Path(f"{order.telling}.gate")
    trace = Path(f"{order.telling}.trace")
    pid = nursery.start(replace(order, gate=str(gate)))
    _until(Path(f"{gate}.ready").exists)
    command = [strace, "-f", "-p", str(pid), "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none", "-y", *more]
    if fault is not None:
        command += ["-e", fault.option]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in (said := tracer.stderr.readline()), said
        gate.touch()
        status = nursery.wait()
        tracer.wait()
    lines = trace.read_text().splitlines()
    met = any("(INJECTED)" in line for line in lines) or status == signal.SIGKILL
    return Traced(status, met, lines)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ATTACH_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert condition()
