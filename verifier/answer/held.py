"""The bundle that a reader already holds, against the one that the server gives now: one log, one leaf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verifier.answer.findings import Findings
from verifier.check import Check, Outcome
from verifier.checkpoint import Checkpoint
from verifier.container import Digest
from verifier.errors import Unreadable
from verifier.examination import Examination
from verifier.intake import read_evidence
from verifier.merkle import BadProof, check_consistency
from verifier.server import Server, Unreachable
from verifier.tiles import TiledLog
from verifier.trust import Trust
from verifier.verify import take_steps


@dataclass(frozen=True)
class Held:
    """A bundle or receipt at hand, verified: its number, and what its steps came to."""

    number: str
    examination: Examination
    checks: tuple[Check, ...]

    @property
    def leaf(self) -> bytes | None:
        """The exact bytes of the evidence's leaf."""
        subject = self.examination.evidence.subject
        return subject.leaf if subject is not None else None

    @property
    def file(self) -> Digest | None:
        """The digest of the evidence file inside, if there is exactly one."""
        subject = self.examination.evidence.subject
        index = subject.index if subject is not None else None
        files = self.examination.evidence.files.get(index, ()) if index is not None else ()
        return files[0].digest if len(files) == 1 else None


def read_held(path: Path, trust: Trust, now_us: int) -> Held:
    """The bundle at hand; raises Unreadable if it is none or about a case, StepFailed(1) if it is broken."""
    evidence = read_evidence(path)
    if evidence.number is None:
        raise Unreadable(f"{path} should be about an entry and is about a case")
    examination = Examination(evidence, trust, True, now_us)
    return Held(evidence.number, examination, take_steps(examination))


def compare(held: Held, given: Examination, server: Server, findings: Findings) -> None:
    """That what the server gives is of the log, and has the leaf, that the bundle at hand has."""
    for check in held.checks:
        if check.outcome is Outcome.FAILED:
            findings.faults[check.step].append(f"the bundle at hand: {check.detail}")
    subject = given.evidence.subject
    if subject is not None and subject.leaf != held.leaf:
        findings.faults[6].append(f"a fork: {subject.label} has another leaf here than in the bundle at hand")
    if held.examination.checkpoint is None or given.checkpoint is None:
        findings.questions[6].append("the checkpoints could not be compared: one of them cannot be read")
    else:
        _compare_trees(held.examination.checkpoint, given.checkpoint, server, findings)


def _compare_trees(held: Checkpoint, given: Checkpoint, server: Server, findings: Findings) -> None:
    if held.origin != given.origin:
        findings.faults[6].append("the bundle at hand is of another log")
        return
    small, large = (held, given) if held.size <= given.size else (given, held)
    try:
        proof = [] if small.size in (0, large.size) else TiledLog(server).consistency(small.size, large.size)
        check_consistency(small.size, small.root, large.size, large.root, proof)
    except Unreachable as error:
        findings.questions[6].append(f"that it is the log of the bundle at hand cannot be proven: {error}")
    except BadProof:
        sizes = f"{held.size} entries in the bundle at hand, {given.size} here"
        findings.faults[6].append(f"a fork: the log signed two trees of which neither continues the other ({sizes})")
    else:
        findings.notes[6].append("consistent with the checkpoint of the bundle at hand")
