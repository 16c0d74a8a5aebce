"""What checking an answer finds beside the eleven steps, and how it changes their outcomes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from verifier.check import Check, Outcome, failed


@dataclass
class Findings:
    """By step of verification.md: faults, questions that stay open, and what was found to be right."""

    faults: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    questions: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def amend(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """The outcomes with what was found; an outcome can only get worse."""
        return tuple(self._amended(check) for check in checks)

    def _amended(self, check: Check) -> Check:
        faults = self.faults.get(check.step)
        if faults:
            already = [check.detail] if check.outcome is Outcome.FAILED else []
            return failed(check.step, [*faults, *already])
        if check.outcome is Outcome.FAILED:
            return check
        questions = self.questions.get(check.step, [])
        outcome = Outcome.NOT_CHECKED if questions else check.outcome
        return Check(check.step, outcome, "; ".join([*questions, check.detail, *self.notes.get(check.step, [])]))
