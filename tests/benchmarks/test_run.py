from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS

ROOT = Path(__file__).resolve().parents[2]

# One that commits, one that serves, one of the application; the others take seconds each and run with `make bench`.
CHOSEN = ("single", "http-32", "casework")


def test_a_quick_run_writes_its_result(tmp_path: Path) -> None:
    chosen = [word for name in CHOSEN for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--results", tmp_path, *chosen],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.iterdir()
    result = json.loads(path.read_text(encoding="utf-8"))
    assert {"date", "machine", "versions", "revision", "quick"} <= result.keys()
    assert [each["name"] for each in result["benchmarks"]] == list(CHOSEN)
    for each in result["benchmarks"]:
        assert each["skipped"] is None
        assert f"{each['name']}: {each['title']}" in done.stdout
        for metric in each["metrics"].values():
            assert metric["ratios"]
            assert all(0 < c["min"] <= c["median"] <= c["max"] for c in metric["contenders"])
    assert str(path) in done.stdout
    (casework,) = (each for each in result["benchmarks"] if each["name"] == "casework")
    databases = {metric.rpartition(", ")[2].partition(" ")[0] for metric in casework["metrics"]}
    assert databases == {"SQLite", "PostgreSQL"}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert all(name in done.stderr for name in BENCHMARKS)
