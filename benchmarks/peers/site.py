"""What every comparison is given: how much to measure, the Go side if there is one, the log that several read."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.peers.public_log import PublicLog, public_log
from benchmarks.peers.tessera_program import TesseraProgram
from benchmarks.scale import Scale


@dataclass
class Site:
    """`program`: None where it cannot be built, `absence` says why. `folder`: lasts as long as the run."""

    scale: Scale
    program: TesseraProgram | None
    absence: str
    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def public_log(self) -> PublicLog:
        """Made for the first that asks, closed with `stack`."""
        return self.stack.enter_context(public_log(self.folder / "public", self.scale.of(200_000, 20_000)))
