"""A whole log checked: by `fsck` beside a bare scan, and over the public tiles alone beside Tessera's fsck."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import fsck
from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.peers.aims import Aim
from benchmarks.peers.damage import try_damage
from benchmarks.peers.public_log import PublicLog, public_log
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram

_RATE: Final = "entries/s"
_OURS_FILES: Final = "fsck of public tiles, files"
_OURS_HTTP: Final = "fsck of public tiles, HTTP"
_FILES: Final = "Tessera's fsck, files"
_HTTP: Final = "Tessera's fsck, HTTP"

AIMS_ALL: Final = (
    Aim("fsck of leaves, tree, tiles, chains, checkpoints ÷ bare scan of the same rows", _RATE, fsck.LOG,
        fsck.SCAN_LOG, at_least=0.25),
    Aim("the same ÷ a scan on all cores", _RATE, fsck.LOG, fsck.SCAN_LOG_CORES),
    Aim("fsck of everything, commitments too ÷ bare scan of all rows", _RATE, fsck.ALL, fsck.SCAN_ALL),
)  # fmt: skip
AIMS_TILES: Final = (
    Aim("fsck over the public tiles alone, files ÷ Tessera's fsck on the same log", _RATE, _OURS_FILES, _FILES,
        at_least=0.5),
    Aim("the same over HTTP", _RATE, _OURS_HTTP, _HTTP, at_least=0.5),
)  # fmt: skip

ENTRIES: Final = 1_000_000
"""Far below it is the start of the processes that is measured: Tessera takes a fifth of a second for 200,000."""

QUICK_ENTRIES: Final = 200_000

WORKERS: Final = os.cpu_count() or 1
"""Tessera's fsck is asked to use every core."""


def measure_all(site: Site, folder: Path) -> Outcome:
    """Our own comparison, in this run."""
    return fsck.measure(site.scale, folder)


def measure_tiles(site: Site, folder: Path) -> Outcome:
    """Both on our log: Tessera's fsck reads it as any tlog-tiles log. Then each is shown one flipped byte at a time.

    Ours also reads every leaf and follows every chain; Tessera's knows the tree alone.
    """
    program = site.program
    with ExitStack() as stack:
        public = stack.enter_context(public_log(folder / "audited", site.scale.of(ENTRIES, QUICK_ENTRIES)))
        commands = {"ours": our_command(str(public.tiles))}
        contenders = [Contender(_OURS_FILES, _rate(commands["ours"], public.size, "sound"))]
        if program is not None:
            port = stack.enter_context(program.serving(folder / "files.log", log=str(public.tiles)))
            by_http = f"http://127.0.0.1:{port}/"
            commands["Tessera's fsck"] = theirs = tessera_command(program, public, f"file://{public.tiles}")
            theirs_by_http = tessera_command(program, public, by_http)
            contenders += [
                Contender(_OURS_HTTP, _rate(our_command(by_http), public.size, "sound")),
                Contender(_FILES, _rate(theirs, public.size, "Successfully"), peer=True),
                Contender(_HTTP, _rate(theirs_by_http, public.size, "Successfully"), peer=True),
            ]
        notes = [
            f"one byte flipped, {name}: {trial}"
            for name, command in commands.items()
            for trial in try_damage(public.tiles, command, lambda path: [path.as_posix()])
        ]
        title = f"public tiles of {public.size:,} entries checked"
        return compare("audit-tiles", title, contenders, site.scale.of(5, 2), notes)


def our_command(place: str) -> list[str | Path]:
    """As anybody runs it who has no account and no database."""
    return [Path(sys.executable).with_name("evidence-ledger"), "fsck", "--tiles", place]


def tessera_command(program: TesseraProgram, public: PublicLog, url: str) -> list[str | Path]:
    """Tessera's own fsck, without its terminal display."""
    keys = public.keys.with_name(f"{public.keys.name}.pub")
    return [program.fsck, "-ui=false", f"-N={WORKERS}", f"-storage_url={url}", f"-public_key={keys}"]


def _rate(command: Sequence[str | Path], size: int, sound: str) -> Callable[[], Figures]:
    """The whole process, as whoever runs it waits for it. `sound`: what it says of a sound log."""

    def run() -> Figures:
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        # Tessera's exit status says nothing: it is 0 for a broken log too.
        if sound not in done.stderr:
            raise RuntimeError(f"{command[0]} does not find the log sound: {done.stdout[-500:]}{done.stderr[-500:]}")
        return {_RATE: size / seconds}

    return run
