"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["ok", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`missing`: something optional is not there; `failed`: a ledger cannot run, or not safely."""

    outcome: Outcome
    subject: str
    detail: str
