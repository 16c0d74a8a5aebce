"""A forged log with one case, and runs of the verifier over bundles of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.verifier.log_forge import (
    CHAIN,
    ED25519,
    FILE,
    ML_DSA,
    ForgedEntry,
    ForgedLog,
    anchored_fields,
    number,
    write_trust,
)
from tests.verifier.zip_forge import bundle
from verifier.check import Outcome
from verifier.result import Result
from verifier.verify import verify

Members = dict[str, bytes]
FOLDER = "entries/2"  # the evidence of every Scene


class Scene:
    """A log of one case: opened, evidence anchored, demanded, and entries of other chains around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = ForgedLog()
        self.opened: ForgedEntry = self.log.append("case.opened", fields={"system.title": "case"})
        self.evidence: ForgedEntry = self.log.append("evidence.anchored", fields=anchored_fields())
        self.log.append("case.opened", "a" * 32, fields={"system.title": "another"})
        self.demand: ForgedEntry = self.log.append("metadata.demanded", fields={"relation.entry": self.evidence.index})
        self.trust = write_trust(folder / "trust", ED25519, ML_DSA)

    def entry_members(self, checkpoint: bytes | None = None) -> Members:
        members = self.log.members(self.evidence, self.demand, checkpoint=checkpoint)
        return {**members, f"evidence/{self.evidence.index}.jpeg": FILE}

    def case_members(self) -> Members:
        members = self.log.members(self.opened, self.evidence, self.demand)
        return {**members, f"evidence/{self.evidence.index}.jpeg": FILE}

    def run(self, data: bytes, **options: Any) -> Result:
        path = self.folder / "input"
        path.write_bytes(data)
        return verify(path, options.pop("trust", self.trust), **options)

    def run_entry(self, members: Members, stated: str | None = None, **options: Any) -> Result:
        return self.run(bundle(members, number=stated or number(self.evidence.index)), **options)

    def run_case(self, members: Members, case: str = CHAIN, **options: Any) -> Result:
        return self.run(bundle(members, case=case), **options)


def outcome(result: Result, step: int) -> Outcome:
    return result.checks[step - 1].outcome


def failed_steps(result: Result) -> list[int]:
    return [check.step for check in result.checks if check.outcome is Outcome.FAILED]


def assert_fails(result: Result, *steps: int) -> None:
    assert failed_steps(result) == list(steps), [check for check in result.checks if check.step in failed_steps(result)]
    assert result.verdict == "not verified"


def with_signers(scene: Scene, *signers: Any, tail: bytes = b"") -> Members:
    """The entry's bundle with a checkpoint that these sign; `tail` follows its signature lines."""
    return scene.entry_members(scene.log.checkpoint(signers=signers) + tail)
