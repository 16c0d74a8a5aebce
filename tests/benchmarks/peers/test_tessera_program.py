from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.comparison import SkippedError
from benchmarks.peers.tessera_program import build_program, write_leaves
from ledger.merkle.entry_bundles import parse_entry_bundle


def test_without_go_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SkippedError, match="there is no go on the path"):
        build_program()


def test_where_a_module_cannot_be_had_gos_last_words_are_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('first words\\nmodule lookup disabled')\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SkippedError, match=r"^go list: module lookup disabled$"):
        build_program()


def test_leaves_are_written_as_the_go_side_reads_them(tmp_path: Path) -> None:
    leaves = [b"one", b"", b"\x00" * 300]
    data = write_leaves(tmp_path / "leaves", leaves).read_bytes()
    assert data[:5] == b"\x00\x03one"
    assert parse_entry_bundle(data, 3) == leaves
