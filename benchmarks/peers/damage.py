"""One flipped byte in each kind of public file, and what an audit says of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HANG_SECONDS: Final = 20
"""A sound log of this size takes every audit here a few seconds: one that is not done by then hangs."""

FLIPPED: Final = 45
"""Which byte: beyond the first hash of a tile and the first length of a bundle; in a checkpoint, in its root."""


@dataclass(frozen=True, slots=True)
class Trial:
    """`status`: the exit status, None where it had to be killed. `named`: whether the file's path was said."""

    file: str
    status: int | None
    seconds: float
    named: bool

    def __str__(self) -> str:
        end = f"killed after {HANG_SECONDS} s" if self.status is None else f"exit {self.status} in {self.seconds:.1f} s"
        return f"{self.file}: {end}, {'named' if self.named else 'not named'}"


def try_damage(folder: Path, command: Sequence[str | Path], names: Callable[[Path], Sequence[str]]) -> list[Trial]:
    """Run `command` on the folder with one byte flipped in each of `damaged_files`, in turn; the folder is left whole.

    `names`: words of which one must be said for the file to count as named.
    """
    trials = []
    for file in damaged_files(folder):
        relative = file.relative_to(folder)
        with _flipped(file):
            begun = time.monotonic()
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
                status, said = done.returncode, done.stdout + done.stderr
            except subprocess.TimeoutExpired as late:
                status, said = None, str(late.stdout) + str(late.stderr)
            named = any(name in said for name in names(relative))
            trials.append(Trial(relative.as_posix(), status, time.monotonic() - begun, named))
    return trials


def damaged_files(folder: Path) -> list[Path]:
    """The checkpoint; of tiles of each level and of entry bundles a full one and the partial one, where there are."""
    chosen = [folder / "checkpoint"]
    for kind in sorted((folder / "tile").iterdir()):
        files = sorted(path for path in kind.rglob("*") if path.is_file())
        partial = [path for path in files if path.parent.name.endswith(".p")]
        full = [path for path in files if path not in partial]
        chosen += [*full[len(full) // 2 : len(full) // 2 + 1], *partial]
    return chosen


@contextmanager
def _flipped(file: Path) -> Iterator[None]:
    whole = file.read_bytes()
    place = FLIPPED if len(whole) > FLIPPED else 0
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    try:
        yield
    finally:
        file.write_bytes(whole)
