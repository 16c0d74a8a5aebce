"""`doctor`: whether this machine can run a ledger, and what is missing."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from api.cli import PROGRAM
from api.cli.failures import FAILED, explain
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, result
from api.cli.parsing import command, data_option, json_option
from ledger.config import CONFIG_FILE
from ledger.errors import LedgerError
from ledger.upkeep.diagnosis import Diagnosis

PYTHON_MIN: Final = (3, 11)
SQLITE_MIN: Final = (3, 35, 0)  # RETURNING
FREE_BYTES_MIN: Final = 1024**3
FLUSHES: Final = 5
# A disk that really keeps what it acknowledges takes longer than this for one flush; faster ones hold a battery or lie.
HONEST_FLUSH_MS: Final = 0.02


@command("doctor", short_help="Check what a ledger needs of this machine.", example=f"{PROGRAM} doctor --data ./data")
@json_option
@data_option
def doctor(as_json: bool, data: Path) -> int:
    """Check what a ledger needs of this machine: outcome, subject and detail, separated by tabs.

    The exit status is 1 when something needed failed; a missing optional tool is named and does no harm.
    """
    found = list(_diagnoses(data))
    if as_json:
        json_result({"checks": [{"outcome": d.outcome, "subject": d.subject, "detail": d.detail} for d in found]})
    else:
        for each in found:
            result(each.outcome, each.subject, each.detail)
    return FAILED if any(each.outcome == "failed" for each in found) else 0


def _diagnoses(data: Path) -> Iterator[Diagnosis]:
    for subject, check in _CHECKS.items():
        try:
            yield check(data)
        except Exception as error:
            yield Diagnosis("failed", subject, explain(error) or f"{type(error).__name__}: {error}")
    yield from _of_the_ledger(data)
    for name, (programs, purpose) in _TOOLS.items():
        yield _tool(name, programs, purpose)
    yield _library("libmagic", ("pylibmagic",), "magic", "recognises more file types")
    yield _library("Pango", (), "pango-1.0", "for reports as PDF, which this version does not make yet")


def _of_the_ledger(data: Path) -> Iterator[Diagnosis]:
    """What is there of a ledger; nothing where there is none. One whose settings cannot be read is told by `ledger`."""
    try:
        settings = read_settings(data)
    except LedgerError:
        return
    from ledger.clock import SystemClock
    from ledger.upkeep.checkup import check_up

    yield from check_up(settings, SystemClock())


def _python(_data: Path) -> Diagnosis:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON_MIN:
        return Diagnosis("failed", "python", f"expected {'.'.join(map(str, PYTHON_MIN))} or newer, found {found}")
    return Diagnosis("ok", "python", found)


def _cryptography(_data: Path) -> Diagnosis:
    import cryptography
    from cryptography.hazmat.primitives.asymmetric import mldsa

    mldsa.MLDSA44PrivateKey.generate().sign(b"evidence")
    return Diagnosis("ok", "cryptography", f"{cryptography.__version__}, signs with ML-DSA-44")


def _sqlite(data: Path) -> Diagnosis:
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        wanted = ".".join(map(str, SQLITE_MIN))
        return Diagnosis("failed", "sqlite", f"expected {wanted} or newer, found {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory(dir=_nearest_folder(data), prefix=".doctor-") as folder:
        connection = sqlite3.connect(Path(folder, "wal.db"))
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.close()
    if mode != "wal":
        return Diagnosis("failed", "sqlite", f"no write-ahead log on this file system (it says {mode})")
    return Diagnosis("ok", "sqlite", f"{sqlite3.sqlite_version}, write-ahead log works")


def _flush(data: Path) -> Diagnosis:
    """How long the disk takes to keep a page: every anchoring waits for it."""
    with tempfile.NamedTemporaryFile(dir=_nearest_folder(data), prefix=".doctor-") as file:
        times = []
        for _ in range(FLUSHES):
            file.write(os.urandom(4096))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    median = sorted(times)[FLUSHES // 2]
    detail = f"{median:.2f} ms to keep a page"
    if median < HONEST_FLUSH_MS:
        detail += "; faster than disks are: a power cut may lose what was acknowledged"
    return Diagnosis("ok", "disk flush", detail)


def _space(data: Path) -> Diagnosis:
    free = shutil.disk_usage(_nearest_folder(data)).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < FREE_BYTES_MIN:
        return Diagnosis("failed", "disk space", f"{detail}; expected 1 GiB at least")
    return Diagnosis("ok", "disk space", detail)


def _sandbox(_data: Path) -> Diagnosis:
    """What holds the process that reads evidence files (docs/extractors.md)."""
    from ledger.extract.sandbox import probe

    found = probe()
    walls = {"a network namespace of its own": found.network_namespace, "Landlock": found.landlock}
    lacking = [name for name, holds in walls.items() if not holds]
    if len(lacking) == len(walls):
        return Diagnosis("missing", "sandbox", f"neither {' nor '.join(lacking)}: only limits and Python's own guard")
    if lacking:
        return Diagnosis("missing", "sandbox", f"without {lacking[0]}: the other walls hold (docs/extractors.md)")
    return Diagnosis("ok", "sandbox", ", ".join(walls))


def _ledger(data: Path) -> Diagnosis:
    if not (data / CONFIG_FILE).exists():
        return Diagnosis("missing", "ledger", f"none in {data}; `{PROGRAM} init` makes one")
    settings = read_settings(data)
    return Diagnosis("ok", "ledger", f"{settings.origin} in {data}")


def _tool(name: str, programs: tuple[str, ...], purpose: str) -> Diagnosis:
    found = next(filter(None, map(shutil.which, programs)), None)
    return Diagnosis("ok", name, found) if found else Diagnosis("missing", name, f"optional: {purpose}")


def _library(name: str, modules: tuple[str, ...], library: str, purpose: str) -> Diagnosis:
    for module in modules:
        if importlib.util.find_spec(module) is not None:
            return Diagnosis("ok", name, f"from the Python package {module}")
    found = ctypes.util.find_library(library)
    return Diagnosis("ok", name, found) if found else Diagnosis("missing", name, f"optional: {purpose}")


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists: there it would be made."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


_CHECKS: Final[dict[str, Callable[[Path], Diagnosis]]] = {
    "python": _python,
    "cryptography": _cryptography,
    "sqlite": _sqlite,
    "disk flush": _flush,
    "disk space": _space,
    "sandbox": _sandbox,
    "ledger": _ledger,
}
_TOOLS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "openssl": (("openssl",), "checks our timestamps with other people's tool (`openssl ts -verify`)"),
    "exiftool": (("exiftool",), "reads the makers' own tags, and formats without a reader here (docs/extractors.md)"),
    "browser": (
        ("chromium", "chromium-browser", "google-chrome"),
        "for captured web pages, which this version does not make yet",
    ),
}
