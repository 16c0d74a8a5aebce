"""The project's own sources, as the house tests read them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("ledger", "api", "verifier")
# What building and running leave behind; the same as in .gitignore. Git itself may be absent where the tests run.
LEFT_BEHIND = {".git", ".venv", ".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
               ".import_linter_cache", "__pycache__", "build", "dist", "data", "results"}  # fmt: skip


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, in a steady order."""
    found: list[Path] = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in LEFT_BEHIND and not name.endswith(".egg-info")]
        found += [Path(folder, name) for name in names]
    return tuple(sorted(found))


def modules(package: str) -> list[Path]:
    """The Python files of a top-level package, or of one room such as `ledger/store`."""
    return [path for path in project_files() if path.suffix == ".py" and path.is_relative_to(ROOT / package)]


@cache
def syntax(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a file imports, at any depth; relative imports are spelled out."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)


def shown(path: Path, line: int = 0) -> str:
    """A place in the project as people write it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))
