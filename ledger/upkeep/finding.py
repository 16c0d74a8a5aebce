"""What fsck says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: where, and what. `evidence`: contradicting checkpoints, if any."""

    where: str
    what: str
    evidence: tuple[str, ...] = ()


Progress: TypeAlias = Callable[[str, int, int], None]
"""Told now and then: what is looked at, how much of it is done, and how much there is."""
