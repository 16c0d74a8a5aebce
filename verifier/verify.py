"""The eleven steps in order, and the verdict (docs/spec/verification.md)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from verifier.check import STEP_NAMES, Check, Outcome, failed, not_checked
from verifier.encoding import datetime_us
from verifier.errors import StepFailed, Unreadable
from verifier.evidence import Evidence
from verifier.examination import Examination
from verifier.intake import file_digest, read_evidence
from verifier.online import check_online
from verifier.result import Result, Verdict, broken_result, build_result
from verifier.step_chain import check_chain
from verifier.step_container import check_container
from verifier.step_file import check_files
from verifier.step_inclusion import check_inclusion_proofs
from verifier.step_leaves import check_commitments, check_leaves
from verifier.step_signatures import check_log_signatures, check_witnesses
from verifier.step_time import check_time
from verifier.trust import BadTrust, Trust, parse_trust, read_trust

SIGNATURE_NAMES = "signature."

Source = str | os.PathLike[str]


def verify(
    evidence: Source | Evidence,
    trust: Source | Trust | None = None,
    *,
    file: Source | None = None,
    online: str | None = None,
    at: datetime | None = None,
) -> Result:
    """The result of all eleven steps over a bundle or receipt.

    `trust`: the reader's trust folder; without it the bundle's own copy is read, which proves nothing. `file`: the
    evidence file, where it is not inside. `online`: the log's URL, for step 11. `at`: the verifier's time, aware;
    now if it is None. Raises Unreadable for the inputs of exit status 2, and nothing else.
    """
    brought = read_trust(Path(trust)) if isinstance(trust, str | os.PathLike) else trust
    digest = file_digest(Path(file)) if file is not None else None
    now_us = datetime_us(at) if at is not None else time.time_ns() // 1_000
    try:
        found = evidence if isinstance(evidence, Evidence) else read_evidence(Path(evidence))
        own = _own_copy(found) if brought is None else None
    except StepFailed as error:
        return broken_result(error.detail, brought)
    except (Unreadable, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # as in _guarded
        return broken_result(f"reading it ends with {type(error).__name__}, which no honest input causes", brought)
    examination = Examination(found, brought or own, brought is not None, now_us, digest, online)
    checks = take_steps(examination)
    return build_result(examination, checks, verdict_of(checks, required_steps(examination)))


# In the order in which each finds what the next ones need; the result lists them by number.
_STEPS: tuple[tuple[int, Callable[[Examination], Check]], ...] = (
    (2, check_leaves),
    (4, check_commitments),
    (5, check_inclusion_proofs),
    (1, check_container),
    (3, check_files),
    (6, check_log_signatures),
    (7, check_witnesses),
    (8, check_time),
    (9, check_chain),
    (10, lambda _: not_checked(10, "the format of submitters' signatures is not defined yet")),
    (11, check_online),
)


def take_steps(examination: Examination) -> tuple[Check, ...]:
    """The eleven steps over an examination, which they fill in; their outcomes by number."""
    checks = (_guarded(step, function, examination) for step, function in _STEPS)
    return tuple(sorted(checks, key=lambda check: check.step))


def _guarded(step: int, function: Callable[[Examination], Check], examination: Examination) -> Check:
    """A step that cannot end in anything but an outcome: an error nobody foresaw is a failure, never a pass."""
    try:
        return function(examination)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic inside a native library is no Exception
        return failed(step, [f"the check ends with {type(error).__name__}, which an honest input does not cause"])


def _own_copy(evidence: Evidence) -> Trust | None:
    if not evidence.trust_copy:
        return None
    try:
        return parse_trust(evidence.trust_copy)
    except BadTrust:  # the same as none
        return None


def required_steps(examination: Examination) -> set[int]:
    """The steps that must pass, decided from `@names` and the reader's trust, never from what happens to be opened."""
    required = {1, 2, 4, 5, 6}
    if examination.anchored() or examination.file is not None:
        required.add(3)
    if examination.trust is not None and examination.trust.policy.asks_witnesses:
        required.add(7)
    if examination.trust is not None and examination.trust.authorities:
        required.add(8)
    if examination.evidence.case is not None:
        required.add(9)
    disclosures = (examination.disclosures.get(entry) for entry in examination.subjects())
    if any(name.startswith(SIGNATURE_NAMES) for found in disclosures if found for name in found.names):
        required.add(10)
    return required


def verdict_of(checks: Iterable[Check], required: Iterable[int]) -> Verdict:
    """The verdict over all steps; those that are required must have passed."""
    outcomes = {check.step: check.outcome for check in checks}
    if outcomes.keys() != STEP_NAMES.keys() or Outcome.FAILED in outcomes.values():
        return Verdict.NOT_VERIFIED
    if any(outcomes[step] is not Outcome.PASSED for step in required):
        return Verdict.INCOMPLETE
    return Verdict.VERIFIED
