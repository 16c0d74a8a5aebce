"""What a figure is worth nothing without: the machine, the versions, the revision; and the file they go to."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.comparison import Outcome

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cryptography", "flask", "gunicorn", "merkletools", "orjson", "psycopg", "rfc8785", "sqlalchemy")
FLUSHES = 50
PAGE_BYTES = 4096


def describe_machine() -> dict[str, Any]:
    """The machine as far as it tells, and what its disk takes to answer one flush: the floor of every commit."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "fdatasync_4k_ms": round(_flush_ms(), 3),
    }


def describe_versions() -> dict[str, str]:
    """What was measured and what it stands on."""
    own = {"evidence-ledger": version("evidence-ledger"), "python": platform.python_version()}
    return own | {"sqlite": sqlite3.sqlite_version, "openssl": ssl.OPENSSL_VERSION} | {p: version(p) for p in PACKAGES}


def describe_revision() -> dict[str, Any] | None:
    """The commit, and whether the files differ from it; None outside of a checkout or without git."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(_git("status", "--porcelain", "--untracked-files=no"))}


def write_result(folder: Path, header: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Path:
    """One file for the run, named by the moment in UTC."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    result = {**header, "benchmarks": [shape_outcome(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def shape_outcome(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the result's JSON holds it."""
    return {
        "name": outcome.name,
        "title": outcome.title,
        "skipped": outcome.skipped,
        "seconds": round(outcome.seconds, 1),
        "notes": list(outcome.notes),
        "metrics": {
            metric: {
                "contenders": [
                    {"name": each.name, "peer": each.peer, **_spread(each.rounds)} for each in outcome.metrics[metric]
                ],
                "ratios": [{"of": r.of, "to": r.to, **_spread(r.rounds)} for r in outcome.ratios(metric)],
            }
            for metric in outcome.metrics
        },
    }


def _spread(rounds: Sequence[float]) -> dict[str, Any]:
    return {"min": min(rounds), "median": median(rounds), "max": max(rounds), "rounds": list(rounds)}


def _flush_ms() -> float:
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(FLUSHES):
            os.pwrite(file.fileno(), os.urandom(PAGE_BYTES), 0)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return median(taken) * 1000


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
