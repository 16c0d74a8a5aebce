"""A whole log checked: by `fsck` beside a bare scan, and over the public tiles alone beside Tessera's fsck."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import fsck
from benchmarks.comparison import Contender, Figures, Outcome, SkippedError, compare
from benchmarks.peers.aims import Aim
from benchmarks.peers.damage import try_damage
from benchmarks.peers.public_log import PublicLog
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram

_RATE: Final = "entries/s"
_OURS_FILES: Final = "fsck of public tiles, files"
_OURS_HTTP: Final = "fsck of public tiles, HTTP"
_FILES: Final = "Tessera's fsck, files"
_HTTP: Final = "Tessera's fsck, HTTP"

AIMS_ALL: Final = (
    Aim("fsck of leaves, tree, tiles, chains, checkpoints ÷ bare scan of the same rows", _RATE, "fsck",
        "scan of the same rows", at_least=0.25),
)  # fmt: skip
AIMS_TILES: Final = (
    Aim("fsck over the public tiles alone, files ÷ Tessera's fsck on the same log", _RATE, _OURS_FILES, _FILES,
        at_least=0.5),
    Aim("the same over HTTP", _RATE, _OURS_HTTP, _HTTP, at_least=0.5),
)  # fmt: skip

WORKERS: Final = os.cpu_count() or 1
"""Tessera's fsck is asked to use every core."""


def measure_all(site: Site, folder: Path) -> Outcome:
    """Our own comparison, in this run."""
    return fsck.measure(site.scale, folder)


def measure_tiles(site: Site, folder: Path) -> Outcome:
    """Both on our log: Tessera's fsck reads it as any tlog-tiles log. Then each is shown one flipped byte at a time."""
    public, program = site.public_log, site.program
    if program is None:
        raise SkippedError(site.absence)
    with ExitStack() as stack:
        port = stack.enter_context(program.serving(folder / "files.log", log=str(public.tiles)))
        by_file, by_http = (
            tessera_command(program, public, url) for url in (f"file://{public.tiles}", f"http://127.0.0.1:{port}/")
        )
        contenders = [
            Contender(_FILES, _rate(by_file, public.size), peer=True),
            Contender(_HTTP, _rate(by_http, public.size), peer=True),
        ]
        trials = try_damage(public.tiles, by_file, lambda path: [path.as_posix()])
        notes = [f"one byte flipped, Tessera's fsck: {trial}" for trial in trials]
        title = f"public tiles of {public.size:,} entries checked"
        return compare("audit-tiles", title, contenders, site.scale.of(5, 2), notes)


def tessera_command(program: TesseraProgram, public: PublicLog, url: str) -> list[str | Path]:
    """Tessera's own fsck, without its terminal display."""
    keys = public.keys.with_name(f"{public.keys.name}.pub")
    return [program.fsck, "-ui=false", f"-N={WORKERS}", f"-storage_url={url}", f"-public_key={keys}"]


def _rate(command: Sequence[str | Path], size: int) -> Callable[[], Figures]:
    """The whole process, as whoever runs it waits for it."""

    def run() -> Figures:
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        # Its exit status says nothing: it is 0 for a broken log too.
        if "Successfully" not in done.stderr:
            raise RuntimeError(f"Tessera's fsck does not find the log sound: {done.stderr[-500:]}")
        return {_RATE: size / seconds}

    return run
