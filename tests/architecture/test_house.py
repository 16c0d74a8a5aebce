"""The house rules that no linter knows: sizes, unfinished work, traces of a machine, and what gets installed."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import entry_points

import pytest

from tests.architecture.sources import PRODUCT, ROOT, modules, project_files, shown, syntax

FILE_LINES_MAX = 350  # the aim is 300; beyond, a file has more than one job
FUNCTION_LINES_MAX = 60  # the aim is 40; only a straight, numbered procedure may be longer than that
TWIN_STATEMENTS_MIN = 6  # shorter bodies may be alike by chance

# Spelled in halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|NotImplemented" r"Error|# type: ig" r"nore(?!\[)")
MACHINE = re.compile(r"(?<![\w.:/])/(?:wor" r"k|roo" r"t|ho" r"me)/|/tm" r"p/\w")
BINARY = {".lock", ".png", ".ico", ".woff2", ".pdf", ".jpg", ".zip", ".gz"}


def text_lines() -> list[tuple[str, int, str]]:
    return [
        (shown(path), number, line)
        for path in project_files()
        if path.suffix not in BINARY
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    ]


@pytest.mark.parametrize("package", PRODUCT)
def test_no_file_outgrows_its_one_job(package: str) -> None:
    sizes = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(package)}
    assert sizes, f"{package} has no modules"
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES_MAX} == {}


@pytest.mark.parametrize("package", PRODUCT)
def test_no_function_outgrows_a_page(package: str) -> None:
    long = [
        f"{shown(path, node.lineno)} {node.name}: {lines} lines"
        for path in modules(package)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long


def test_nothing_is_unfinished_or_silenced() -> None:
    code = (".py", ".sh", ".toml", ".html", ".js", ".css", "")
    assert [f"{name}:{n}: {line.strip()}" for name, n, line in text_lines()
            if name.endswith(code) and UNFINISHED.search(line)] == []  # fmt: skip


def test_no_trace_of_a_machine() -> None:
    assert [f"{name}:{n}: {line.strip()}" for name, n, line in text_lines() if MACHINE.search(line)] == []


def test_the_locks_name_no_index_and_hash_everything() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-build.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text), lock
        pinned = re.findall(r"^(\S+)==[^\n]*\n((?: {4}--hash=.*\n?)+)", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 0, lock
        assert "pysha3" not in text, lock


def test_the_locks_agree_and_cover_what_is_asked_for() -> None:
    def versions(lock: str) -> dict[str, str]:
        found = re.findall(
            r"^([a-z0-9-]+)(?:\[[a-z]+\])?==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
        )
        return dict(found)

    run, dev, build = (versions(f"requirements{part}.lock") for part in ("", "-dev", "-build"))
    assert run.items() <= dev.items()
    assert build.items() <= dev.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[\[<>=~! ]", line)[0] for line in project["dependencies"]}
    assert asked <= run.keys()


def test_the_commands_are_installed_under_their_fixed_names() -> None:
    scripts = {point.name: point.value for point in entry_points(group="console_scripts")}
    assert scripts["evidence-ledger"] == "api.cli:main"
    assert scripts["evidence-verify"] == "verifier.cli:main"


def test_both_distributions_carry_one_version_and_every_folder_is_a_package() -> None:
    files = [ROOT / "pyproject.toml", ROOT / "verifier" / "pyproject.toml"]
    projects = [tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in files]
    assert projects[0]["version"] == projects[1]["version"]
    assert [line.split(">")[0] for line in projects[1]["dependencies"]] == ["cryptography"]
    folders = {path.parent for package in PRODUCT for path in modules(package)}
    assert [shown(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_the_verifiers_own_wheel_carries_all_of_it() -> None:
    settings = tomllib.loads((ROOT / "verifier" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in modules("verifier")}
    assert set(settings["packages"]) == folders


def twin_key(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """A function's body without its docstring; None where it is too short to be a twin."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    statements = sum(isinstance(part, ast.stmt) for line in body for part in ast.walk(line))
    return "\n".join(ast.dump(line) for line in body) if statements >= TWIN_STATEMENTS_MIN else None


def test_nothing_is_written_twice_but_the_verifier() -> None:
    """The verifier repeats the ledger's formats on purpose, in its own words; within each side a body stands once."""
    for side in (("ledger", "api"), ("verifier",)):
        seen: dict[str, list[str]] = {}
        for path in (path for package in side for path in modules(package)):
            for node in ast.walk(syntax(path)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (key := twin_key(node)):
                    seen.setdefault(key, []).append(f"{shown(path, node.lineno)} {node.name}")
        assert [places for places in seen.values() if len(places) > 1] == []
