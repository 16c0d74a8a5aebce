"""Where the shared test vectors are, and what the bundles among them must come to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.encoding import time_us

FOLDER = Path(os.environ.get("EVIDENCE_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")
BUNDLES = FOLDER / "bundles"

needs_vectors = pytest.mark.skipif(
    not (BUNDLES / "expected.json").is_file(), reason=f"no test vectors at {FOLDER}; set EVIDENCE_VECTORS"
)


@dataclass(frozen=True)
class Case:
    """A bundle or receipt of the vectors and what expected.json says of it."""

    name: str
    expected: dict[str, Any]

    @property
    def path(self) -> Path:
        return BUNDLES / self.name

    @property
    def trust(self) -> Path:
        return BUNDLES / str(self.expected["trust"])

    @property
    def file(self) -> Path | None:
        return BUNDLES / self.expected["file"] if "file" in self.expected else None

    @property
    def at(self) -> datetime:
        return moment(self.expected["at"])

    @property
    def steps(self) -> list[int]:
        """The steps of which one must not have passed."""
        step = self.expected.get("step", [])
        return step if isinstance(step, list) else [step]


def moment(text: str) -> datetime:
    """A time of the canonical form as a datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us(text))


def cases() -> list[Case]:
    """All bundles and receipts of the vectors; none where there are no vectors."""
    listing = BUNDLES / "expected.json"
    if not listing.is_file():
        return []
    return [Case(name, expected) for name, expected in sorted(json.loads(listing.read_text()).items())]


def case(name: str) -> Case:
    """One of them."""
    return next(found for found in cases() if found.name == name)


def load(*path: str) -> Any:
    """A JSON file of the vectors."""
    return json.loads(FOLDER.joinpath(*path).read_text())
