from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.comparison import Outcome, Series
from benchmarks.peers import __main__ as program
from benchmarks.peers.__main__ import COMPARISONS, Comparison
from benchmarks.peers.aims import Aim
from benchmarks.peers.site import Site

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


def test_a_comparison_that_breaks_off_is_told_and_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_off(_site: Site, _folder: Path) -> Outcome:
        raise RuntimeError("first words\nno answer within 10 s")

    def measure(_site: Site, _folder: Path) -> Outcome:
        return Outcome("sound", "", {"acts/s": [Series("ours", False, (2.0,)), Series("theirs", True, (1.0,))]})

    monkeypatch.setenv("PATH", "/nowhere")
    aim = Aim("ours ÷ theirs", "acts/s", "ours", "theirs", at_least=1)
    monkeypatch.setattr(
        program, "COMPARISONS", {"broken": Comparison(break_off, [aim]), "sound": Comparison(measure, [aim])}
    )
    assert program.main(["--results", str(tmp_path)]) == 1
    (path,) = tmp_path.glob("*.json")
    broken, sound = json.loads(path.read_text(encoding="utf-8"))["aims"]
    assert (broken["skipped"], broken["holds"]) == ("broke off: no answer within 10 s", None)
    assert (sound["skipped"], sound["holds"]) == (None, True)
    assert "1 aims hold, 0 do not, 1 rows skipped" in capsys.readouterr().out
