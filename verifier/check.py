"""The outcome of one step (docs/spec/verification.md, "Steps")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STEP_NAMES = {
    1: "container",
    2: "leaves",
    3: "evidence file",
    4: "commitments",
    5: "inclusion",
    6: "log signatures",
    7: "witnesses",
    8: "time",
    9: "chain",
    10: "submitter's signature",
    11: "log as it stands now",
}
# A detail names the first faults and counts the rest: a bundle of 100,000 faulty entries is one line too.
_SHOWN_FAULTS = 3


class Outcome(StrEnum):
    """What became of a step; the values are those of the program's JSON."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True)
class Check:
    """A step (1 to 11), its outcome, and one lower-case sentence saying why."""

    step: int
    outcome: Outcome
    detail: str

    @property
    def name(self) -> str:
        """The step's name in the specification."""
        return STEP_NAMES[self.step]


def passed(step: int, detail: str) -> Check:
    """A step that found what it looked for."""
    return Check(step, Outcome.PASSED, detail)


def not_checked(step: int, detail: str) -> Check:
    """A step that had no ground to decide on."""
    return Check(step, Outcome.NOT_CHECKED, detail)


def failed(step: int, faults: list[str]) -> Check:
    """A step that found faults, at least one."""
    shown = "; ".join(faults[:_SHOWN_FAULTS])
    more = len(faults) - _SHOWN_FAULTS
    return Check(step, Outcome.FAILED, f"{shown}; and {more} more" if more > 0 else shown)
