"""Server processes: started, waited for until they say where they listen, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.comparison import SkippedError

_ANNOUNCED: Final = "listening on http://127.0.0.1:"
STOP_SECONDS: Final = 15.0


@contextmanager
def serving(command: Sequence[str | Path], log: Path) -> Iterator[int]:
    """Run a server that prints `listening on http://127.0.0.1:PORT`; gives the port. Its stderr goes to `log`.

    Raises SkippedError with its last words where it ends before that.
    """
    with log.open("wb") as errors:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment()
        )
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        if not line.startswith(_ANNOUNCED):
            server.wait(STOP_SECONDS)
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise SkippedError(f"the server does not start: {words[-1] if words else line.strip()}")
        yield int(line.removeprefix(_ANNOUNCED))
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


def _environment() -> dict[str, str]:
    """Without the settings of a ledger that somebody uses from this shell."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EVIDENCE_LEDGER_")}
