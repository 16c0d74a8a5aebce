"""CI must not turn green because a tool was not there: with EVIDENCE_REQUIRE_TOOLS=1 a skip fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SUITE = """
import pytest
def test_tool(): pytest.skip("exiftool is not installed")
def test_vectors(): pytest.skip("vectors: no folder")
@pytest.mark.skipif(True, reason="no browser")
def test_marked(): pass
@pytest.mark.xfail(strict=True)
def test_known(): assert False
def test_sound(): pass
"""
MODULE = "import pytest; pytest.skip('no openssl', allow_module_level=True)"


def outcome(folder: Path, required: str) -> dict[str, int]:
    """How many tests of a small suite ended how."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "test_module.py").write_text(MODULE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    environment = {"EVIDENCE_REQUIRE_TOOLS": required, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q", "--tb=no",
         "--continue-on-collection-errors", "-c", "pytest.ini", "."],
        cwd=folder, env=os.environ | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    summary = done.stdout.strip().splitlines()[-1].split(" in ")[0]
    return {word.rstrip("s"): int(number) for number, word in (part.split() for part in summary.split(", "))}


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ("0", {"passed": 1, "skipped": 4, "xfailed": 1}),
        # A mark skips before the test, the module before its collection: pytest calls both errors.
        ("1", {"passed": 1, "failed": 1, "skipped": 1, "xfailed": 1, "error": 2}),
    ],
)
def test_a_missing_tool_fails_where_tools_are_required(tmp_path: Path, required: str, expected: dict[str, int]) -> None:
    assert outcome(tmp_path, required) == expected
