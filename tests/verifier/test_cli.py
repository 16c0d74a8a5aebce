"""The program: its exit statuses, its two outputs, and what it says of wrong use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifier.log_forge import FILE, b64
from tests.verifier.scene import Scene
from verifier import __version__
from verifier.cli import main
from verifier.printable import printable
from verifier.zip_record import END_SIGNATURE

MEMBERS = {
    "verdict",
    "checks",
    "number",
    "origin",
    "not_before",
    "not_after",
    "independent_time",
    "independent_witnesses",
    "complete",
    "contradictions",
    "fields",
    "absent",
    "closed",
    "entries",
    "demands",
    "challenges",
    "erasures",
    "trust",
}
NAMES = [
    "container",
    "leaves",
    "evidence file",
    "commitments",
    "inclusion",
    "log signatures",
    "witnesses",
    "time",
    "chain",
    "submitter's signature",
    "log as it stands now",
]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def receipt(scene: Scene) -> Path:
    path = scene.folder / "r.receipt.json"
    path.write_bytes(scene.log.receipt(scene.evidence))
    (scene.folder / "file").write_bytes(FILE)
    return path


def test_json(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--trust", str(scene.trust), "--file", str(scene.folder / "file"), "--json"]
    assert main([str(receipt), *options]) == 0
    result = json.loads(capfd.readouterr().out)
    assert result.keys() == MEMBERS
    assert [check["name"] for check in result["checks"]] == NAMES
    assert all(check.keys() == {"step", "name", "outcome", "detail"} for check in result["checks"])
    assert result["number"] == "EL-0000000002-92" and result["origin"] == "log.test/court"
    assert result["complete"] is None and result["independent_time"] is False and result["not_after"] is None
    assert result["fields"]["file.size"] == 12 and result["closed"] == []
    assert main(["verify", *options, str(receipt)]) == 0


def test_the_subject_is_absent_where_it_cannot_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"{}")
    assert main([str(path), "--json"]) == 1
    result = json.loads(capfd.readouterr().out)
    assert result.keys() == MEMBERS - {"number"}
    assert [check["outcome"] for check in result["checks"]] == ["FAILED"] + ["NOT_CHECKED"] * 10


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_text(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str], language: str) -> None:
    options = ["--trust", str(scene.trust), "--file", str(scene.folder / "file"), "--lang", language]
    assert main([str(receipt), *options]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert sum(line[:3].strip().isdigit() for line in lines) == 11
    assert "2024-03-02T09:00:00.000Z" in lines[0]  # what the operator's record says
    assert "photo.JPEG" in "\n".join(lines)


def test_no_date_stands_without_says(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(receipt), "--trust", str(scene.trust), "--file", str(scene.folder / "file")]) == 0
    for line in capfd.readouterr().out.splitlines():
        assert "2024" not in line or "says 2024" in line


def test_outcomes_and_exit_statuses(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(receipt)]) == 3
    assert main([str(receipt), "--trust", str(scene.trust)]) == 3
    (scene.folder / "other").write_bytes(b"other")
    assert main([str(receipt), "--trust", str(scene.trust), "--file", str(scene.folder / "other")]) == 1
    assert capfd.readouterr().err == ""


USES = [
    [],
    ["verify"],
    ["a", "b"],
    ["--json"],
    ["a", "--lang", "de"],
    ["a", "--at", "now"],
    ["a", "--at", "2024-01-01"],
    ["a", "--tru", "x"],
    ["a", "--unknown"],
]


@pytest.mark.parametrize("arguments", USES, ids=" ".join)
def test_wrong_use(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert not out and "usage" in err


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "example:" in capfd.readouterr().out
    assert main(["verify", "--version"]) == 0
    assert capfd.readouterr().out == f"evidence-verify {__version__}\n"


def test_inputs_that_cannot_be_read(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty, text = scene.folder / "empty", scene.folder / "text"
    empty.write_bytes(b"")
    text.write_bytes(b" {}")
    os.mkfifo(scene.folder / "pipe")
    for path in ("none", "empty", "text", "trust", "pipe", "null\0"):
        assert main([str(scene.folder / path)]) == 2
    for option, value in (
        ("--file", "none"),
        ("--file", "trust"),
        ("--trust", "none"),
        ("--trust", "text"),
        ("--file", "pipe"),
    ):
        assert main([str(receipt), option, str(scene.folder / value)]) == 2
    out, err = capfd.readouterr()
    assert not out and "Traceback" not in err and err.count("evidence-verify: ") == 11


def test_what_begins_or_ends_like_a_bundle_is_step_1(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"PK\x03\x04", b"PK\x03\x04" + bytes(100), b"x" + END_SIGNATURE + bytes(65_552), END_SIGNATURE, b"{"):
        path.write_bytes(data)
        assert main([str(path)]) == 1
    path.write_bytes(b"x" + END_SIGNATURE + bytes(65_554))
    assert main([str(path)]) == 2


def test_a_terminal_obeys_nothing_of_the_input(scene: Scene) -> None:
    assert printable("a\x1b[2J\u202eb\u0085\n") == "a\\u{1b}[2J\\u{202e}b\\u{85}\\u{a}"
    assert printable("Айгүл 📄") == "Айгүл 📄"
    assert len(printable("x" * 10_000)) < 500


def run(arguments: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "verifier", *arguments]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(command, capture_output=True, cwd=root, timeout=60, **options)  # type: ignore[call-overload,no-any-return]  # options of run


def test_as_a_process_in_any_locale(scene: Scene, receipt: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run([str(receipt), "--trust", str(scene.trust), "--lang", "kk"], env=environment)
    assert done.returncode == 3 and not done.stderr
    assert "Айгүл" in done.stdout.decode()
    assert run([str(receipt) + "\udcff"], env=environment).returncode == 2


def test_a_secret_shows_nowhere(scene: Scene, receipt: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = b64(bytes(range(32)))
    receipt.write_bytes(scene.log.receipt(scene.evidence, secret=secret))
    for options in ([], ["--json"]):
        main([str(receipt), "--trust", str(scene.trust), *options])
        assert secret not in capfd.readouterr().out
