"""How much is measured: enough to compare, or just enough to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """`quick`: seconds each, their figures rough. Otherwise minutes each, on a busy machine ten for the longest."""

    quick: bool = False

    def of(self, full: T, quick: T) -> T:
        """The value for this scale."""
        return quick if self.quick else full
