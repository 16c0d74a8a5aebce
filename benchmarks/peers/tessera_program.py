"""The Go side: built once into a cache outside of git, run as a process for each round."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.comparison import Figures, SkippedError
from benchmarks.record import ROOT
from benchmarks.serving import serving
from ledger.merkle.entry_bundles import BUNDLED_LEAF_MAX

SOURCES: Final = Path(__file__).parent / "tessera"
CACHE: Final = ROOT / ".cache" / "peers"
FSCK: Final = "github.com/transparency-dev/tessera/cmd/fsck"

BUILD_SECONDS: Final = 300
"""A first build compiles Tessera and fetches a dozen modules; later ones take a second."""

JOB_SECONDS: Final = 180
"""A round takes seconds. Beyond this the peer hangs, and the row says so."""


@dataclass(frozen=True, slots=True)
class TesseraProgram:
    """`peer`: our program on Tessera's module. `fsck`: Tessera's own, unchanged. `version`: the module's."""

    peer: Path
    fsck: Path
    version: str

    def run(self, work: str, **job: Any) -> Figures:
        """One job (tessera/main.go). Raises RuntimeError with the program's words where it fails."""
        done = subprocess.run(
            [self.peer, work], input=json.dumps(job), capture_output=True, text=True, check=False, timeout=JOB_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"tessera-peer {work}: {done.stderr.strip()[-500:]}")
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    @contextmanager
    def serving(self, errors: Path, **job: Any) -> Iterator[int]:
        """Serve a log over HTTP; gives the port on 127.0.0.1."""
        path = errors.with_suffix(".json")
        path.write_text(json.dumps(job), encoding="utf-8")
        with serving(["sh", "-c", 'exec "$0" serve <"$1"', self.peer, path], errors) as port:
            yield port


def build_program() -> TesseraProgram:
    """Build both programs, or find them built. Raises SkippedError where Go or a module cannot be had."""
    go = shutil.which("go")
    if go is None:
        raise SkippedError("there is no go on the path")
    CACHE.mkdir(parents=True, exist_ok=True)
    program = TesseraProgram(CACHE / "tessera-peer", CACHE / "tessera-fsck", _module_version(go))
    for target, package in ((program.peer, "."), (program.fsck, FSCK)):
        _go(go, "build", "-trimpath", "-o", str(target), package)
    return program


def write_leaves(path: Path, leaves: Iterable[bytes]) -> Path:
    """The leaves as the Go side reads them: each after its length in two bytes, however many."""
    with path.open("wb") as file:
        for leaf in leaves:
            assert len(leaf) <= BUNDLED_LEAF_MAX
            file.write(len(leaf).to_bytes(2, "big") + leaf)
    return path


def _module_version(go: str) -> str:
    return _go(go, "list", "-m", "-f", "{{.Version}}", "github.com/transparency-dev/tessera").strip()


def _go(go: str, *words: str) -> str:
    # The module's own directives are followed to the letter: nothing is resolved anew, no other toolchain is fetched.
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        done = subprocess.run(
            [go, *words], cwd=SOURCES, env=environment, capture_output=True, text=True, check=False,
            timeout=BUILD_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SkippedError(f"go {words[0]} took more than {BUILD_SECONDS} s") from error
    if done.returncode:
        raise SkippedError(f"go {words[0]}: {(done.stderr.strip().splitlines() or ['it failed without a word'])[-1]}")
    return done.stdout
