from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.__main__ import COMPARISONS

ROOT = Path(__file__).resolve().parents[3]


def test_a_quick_run_without_go_skips_what_needs_it_and_keeps_its_result(tmp_path: Path) -> None:
    chosen = ("append-sqlite", "audit-tiles")
    words = [word for name in chosen for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", "--quick", "--results", tmp_path, *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PATH": "/nowhere"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    rows = result["aims"]
    assert [row["what"] for row in rows] == [aim.what for name in chosen for aim in COMPARISONS[name].aims]
    for row in rows:
        tessera = "Tessera" in row["to"]
        assert (row["skipped"] == "there is no go on the path") is tessera, row
        assert (row["ratio"] is None) is tessera, row
    table = path.with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"| {row['what']} |" in table for row in rows)
    assert table.strip() in done.stdout
