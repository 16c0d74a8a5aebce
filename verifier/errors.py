"""The errors of the verifier: one root, one class per consequence."""

from __future__ import annotations


class VerifierError(Exception):
    """Root of every error the verifier raises on purpose; the text is one lower-case sentence."""


class Unreadable(VerifierError):
    """The input is not something the verifier can read at all, or is used wrongly: exit code 2."""


class StepFailed(VerifierError):
    """A step of verification contradicts the evidence: the verdict is NOT VERIFIED.

    `step` is 1 to 11; `detail` is one lower-case sentence saying what was expected and what came.
    """

    def __init__(self, step: int, detail: str) -> None:
        super().__init__(f"step {step}: {detail}")
        self.step = step
        self.detail = detail


class BadTimestamp(VerifierError):
    """A timestamp is bad within itself or does not stamp the bytes it is shown for."""
