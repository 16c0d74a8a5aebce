"""The answer to a demand, checked as casework.md says, and what that comes to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from verifier.answer.findings import Findings
from verifier.answer.held import Held, compare, read_held
from verifier.answer.reading import Reading, read_log
from verifier.canonical_json import Json
from verifier.casework.act import acts_of
from verifier.casework.casework import Casework
from verifier.casework.demand import DEMANDED, Demand, count_of, demand_of, is_settled
from verifier.casework.item import items_of
from verifier.casework.judged import State
from verifier.check import STEP_NAMES, Check, Outcome, not_checked
from verifier.encoding import datetime_us
from verifier.errors import StepFailed, Unreadable
from verifier.evidence import Entry, Evidence
from verifier.examination import Examination
from verifier.intake import file_digest
from verifier.interface import StatedDemand, fetch_bundle, stated_demand
from verifier.receipt_number import BadNumber, index_of
from verifier.result import Result, Verdict, broken_result, build_result
from verifier.server import Server
from verifier.trust import Trust, read_trust
from verifier.verify import required_steps, take_steps, verdict_of

Source = str | os.PathLike[str]
# Without these nothing is judged: what is open is not known to be what the log's entries committed.
_GROUNDS = frozenset((1, 2, 4, 5, 6))
_STATED = ("object", "fields", "grounds", "due_at", "by", "state")


@dataclass(frozen=True)
class AnswerResult:
    """The verification of the server's bundle, with its verdict over the answer; `demand` is None if not proven.

    `reading`: what the log has beside the bundle; None where it was not come to that.
    """

    id: str
    result: Result
    demand: Demand | None
    reading: Reading | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it was proven that nothing that bears on the answer is left out of it."""
        return self.reading is not None and self.reading.is_whole

    @property
    def verdict(self) -> Verdict:
        """Verified: the answer is what was committed, and each name has one."""
        return self.result.verdict

    def to_json(self) -> dict[str, Json]:
        """The one object that `--json` prints."""
        empty = dict.fromkeys(("number", *_STATED))
        demand: dict[str, Json] = {"id": self.id, **empty} if self.demand is None else self.demand.to_json()
        answers: dict[str, Json] = self.demand.answers_json() if self.demand is not None else {}
        unshown: list[Json] = [each.to_json() for each in self.reading.unshown] if self.reading is not None else []
        read: dict[str, Json] = {"read_to": self.reading.read_to if self.reading is not None else None}
        return {**self.result.to_json(), "demand": demand, "answers": answers, **read, "unshown": unshown}


def check_answer(
    demand: str,
    server: Server,
    trust: Source | Trust,
    *,
    bundle: Source | None = None,
    file: Source | None = None,
    at: datetime | None = None,
) -> AnswerResult:
    """The answer to a demand, from a server that is believed for nothing.

    `bundle`: a bundle or receipt of the evidence that the reader holds. `file`: the evidence file, if it was demanded
    and came. Raises Unreadable for wrong use and unreadable inputs, Unreachable where the server gives no answer.
    """
    try:
        index = index_of(demand)
    except BadNumber as error:
        raise Unreadable(f"the demand's id: {error}") from None
    brought = read_trust(Path(trust)) if isinstance(trust, str | os.PathLike) else trust
    digest = file_digest(Path(file)) if file is not None else None
    now_us = datetime_us(at) if at is not None else time.time_ns() // 1_000
    try:
        held = read_held(Path(bundle), brought, now_us) if bundle is not None else None
    except StepFailed as error:
        return AnswerResult(demand, broken_result(f"the bundle at hand: {error.detail}", brought), None)
    stated = stated_demand(server, demand)
    faults = _misdirected(demand, index, stated, held)
    if faults:
        return AnswerResult(demand, _refused(faults, stated.number, brought), None)
    try:
        evidence = fetch_bundle(server, stated.number)
    except StepFailed as error:
        return AnswerResult(demand, broken_result(f"the server's bundle: {error.detail}", brought), None)
    digest = digest or (held.file if held is not None else None)
    return _check(Examination(evidence, brought, True, now_us, digest), index, stated, held, server)


def _misdirected(demand: str, index: int, stated: StatedDemand, held: Held | None) -> list[str]:
    """Step 1 of "Checking an answer": faults in what the server says this is about."""
    faults: list[str] = []
    if stated.demand != demand:
        faults.append(f"the server was asked for the demand {demand} and answers with {str(stated.demand)[:40]!r}")
    if held is not None and held.number != stated.number:
        faults.append(f"the server says the demand is about {stated.number}, the bundle at hand is of {held.number}")
    if index_of(stated.number) >= index:
        faults.append(f"the demand {demand} should come after the evidence, and the server says {stated.number}")
    return faults


def _refused(faults: list[str], number: str, trust: Trust) -> Result:
    findings = Findings()
    findings.faults[5] = faults
    waiting = tuple(not_checked(step, "waits for step 5: the evidence is not known") for step in STEP_NAMES)
    return replace(broken_result("", trust), checks=findings.amend(waiting), number=number)


def _check(
    examination: Examination, index: int, stated: StatedDemand, held: Held | None, server: Server
) -> AnswerResult:
    findings = Findings()
    if examination.evidence.number != stated.number:
        findings.faults[5].append(f"the server's bundle should be of {stated.number} and is of another subject")
    checks = take_steps(examination)
    if held is not None:
        compare(held, examination, server, findings)
    _find_demand(examination, index, findings)
    checks = findings.amend(checks)
    reading = _reading(examination, index, checks, server)
    checks = tuple(reading.check if check.step == reading.check.step else check for check in checks)
    demand = _judge(examination, index, checks)
    result = build_result(examination, checks, _verdict(examination, checks, demand, reading))
    if demand is None:
        result = replace(result, casework=Casework())
    else:
        result = replace(result, contradictions=(*result.contradictions, *_contradictions(demand, stated.said)))
    return AnswerResult(str(stated.demand), result, demand, reading)


def _find_demand(examination: Examination, index: int, findings: Findings) -> None:
    """Step 5 of "Checking an answer": the demand's own entry is there, is a demand, and is about the evidence."""
    entry = _entry_at(examination.evidence, index)
    if entry is None:
        findings.faults[5].append(f"the bundle does not hold the demand's entry {index}")
        return
    leaf = examination.leaves.get(entry)
    if leaf is not None and leaf.kind != DEMANDED:
        findings.faults[5].append(f"entry {index} is {leaf.kind} and no demand")
    elif not examination.relates(entry):
        findings.faults[5].append(f"the demand's entry {index} does not say that it is about the evidence")
    elif entry in examination.proven:
        findings.notes[5].append(f"the demand's entry {index} is among them")


def _entry_at(evidence: Evidence, index: int) -> Entry | None:
    return next((entry for entry in evidence.entries if entry.index == index), None)


def _reading(examination: Examination, index: int, checks: tuple[Check, ...], server: Server) -> Reading:
    """Step 7 of "Checking an answer"; what was refuted already is not worth reading a log for."""
    refuted = [check.step for check in checks if check.step in _GROUNDS and check.outcome is Outcome.FAILED]
    if refuted:
        return Reading(not_checked(11, f"waits for step {refuted[0]}, which failed"))
    return read_log(examination, index, server)


def _judge(examination: Examination, index: int, checks: tuple[Check, ...]) -> Demand | None:
    outcomes: Mapping[int, Outcome] = {check.step: check.outcome for check in checks}
    if any(outcomes[step] is Outcome.FAILED for step in (*_GROUNDS, 11)) or not examination.log_signed:
        return None
    acts = acts_of(examination)
    subject = examination.evidence.subject
    item = items_of(examination, acts, checks).get(subject.index or 0) if subject is not None else None
    act = next((act for act in acts if act.index == index and act.kind == DEMANDED), None)
    return demand_of(act, item) if act is not None and item is not None else None


def _verdict(examination: Examination, checks: tuple[Check, ...], demand: Demand | None, reading: Reading) -> Verdict:
    """Step 3 is not required: the answer is about names, and a demanded file that is not at hand is closed.

    Step 11 is where a name is refused, for that says that nothing later undoes it.
    """
    required = required_steps(examination) - {3}
    if demand is not None and count_of(demand, State.REFUSED):
        required.add(11)
    verdict = verdict_of(checks, required)
    unsettled = demand is None or not is_settled(demand) or bool(reading.unshown)
    return Verdict.INCOMPLETE if verdict is Verdict.VERIFIED and unsettled else verdict


def _contradictions(demand: Demand, said: Mapping[str, object]) -> list[str]:
    """Where the server says something else of the demand than its proven entries do."""
    proven = demand.to_json()
    return [
        f"the server states another {name} of the demand than its proven entries do"
        for name in _STATED
        if name in said and said[name] != proven[name]
    ]
