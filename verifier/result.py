"""What a verification comes to, as a value and as the program's JSON (docs/spec/verification.md, "The program")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from verifier.canonical_json import Json
from verifier.casework.casework import Casework, casework_of
from verifier.check import STEP_NAMES, Check, Outcome, failed, not_checked
from verifier.encoding import time_text
from verifier.evidence import Entry
from verifier.examination import Examination
from verifier.step_chain import claim_contradictions
from verifier.trust import Trust


class Verdict(StrEnum):
    """The verdict; the values are those of the program's JSON."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    INCOMPLETE = "incomplete"

    @property
    def exit_status(self) -> int:
        """The program's exit status."""
        return {Verdict.VERIFIED: 0, Verdict.NOT_VERIFIED: 1, Verdict.INCOMPLETE: 3}[self]


@dataclass(frozen=True)
class Contents:
    """What an entry's checked commitment shows: open fields by name, names open as null, names that are closed."""

    fields: Mapping[str, Json] = field(default_factory=dict)
    absent: Sequence[str] = ()
    closed: Sequence[str] = ()


@dataclass(frozen=True)
class EntryResult:
    """An entry of a case, or one that relates to the subject. `time` is claimed; the other times are proven."""

    index: int
    seq: int
    kind: str
    time: str
    not_before: str | None
    not_after: str | None
    contents: Contents

    def to_json(self) -> dict[str, Json]:
        """The entry as an object of the program's JSON."""
        return {
            "index": self.index,
            "seq": self.seq,
            "kind": self.kind,
            "time": self.time,
            "not_before": self.not_before,
            "not_after": self.not_after,
            **_contents_json(self.contents),
        }


@dataclass(frozen=True)
class Result:
    """The verdict and everything it rests on; the members are those of the program's JSON."""

    verdict: Verdict
    checks: tuple[Check, ...]
    trust: str
    number: str | None = None
    case: str | None = None
    origin: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    independent_time: bool = False
    independent_witnesses: bool = False
    contradictions: tuple[str, ...] = ()
    contents: Contents = field(default_factory=Contents)
    entries: tuple[EntryResult, ...] = ()
    claimed_time: str | None = None
    casework: Casework = field(default_factory=Casework)
    index: int | None = None
    leaf_hash: str | None = None
    tree_size: int | None = None
    tree_root: str | None = None

    @property
    def complete(self) -> bool | None:
        """Whether a trusted map covers the chain. No format of maps is defined yet, so it is never proven."""
        return None

    def to_json(self) -> dict[str, Json]:
        """The one object that `--json` prints."""
        subject: dict[str, Json] = {}
        if self.number is not None:
            subject["number"] = self.number
        if self.case is not None:
            subject["case"] = self.case
        return {
            "verdict": self.verdict.value,
            "checks": [_check_json(check) for check in self.checks],
            **subject,
            "origin": self.origin,
            "not_before": self.not_before,
            "not_after": self.not_after,
            "independent_time": self.independent_time,
            "independent_witnesses": self.independent_witnesses,
            "complete": self.complete,
            "contradictions": list(self.contradictions),
            **_contents_json(self.contents),
            "entries": [entry.to_json() for entry in self.entries],
            **self.casework.to_json(),
            "trust": self.trust,
        }


def build_result(examination: Examination, checks: tuple[Check, ...], verdict: Verdict) -> Result:
    """The result of an examination whose steps have all been taken."""
    evidence, checkpoint = examination.evidence, examination.checkpoint
    subject = evidence.subject if evidence.subject in examination.subjects() else None
    shown = examination.subjects() if evidence.case is not None else examination.related()
    entries = (_entry_result(examination, entry, entry.index) for entry in shown if entry.index is not None)
    outcomes = {check.step: check.outcome for check in checks}
    excluding = dict.fromkeys(text for found in examination.brackets.values() for text in found.exclusions)
    return Result(
        verdict=verdict,
        checks=checks,
        trust=_trust_in_words(examination.brought, examination.trust),
        number=evidence.number,
        case=evidence.case,
        origin=checkpoint.origin if checkpoint is not None else None,
        not_before=_not_before(examination, subject),
        not_after=_not_after(examination, subject),
        independent_time=outcomes[8] is Outcome.PASSED,
        independent_witnesses=examination.quorum_met,
        contradictions=(*claim_contradictions(examination), *excluding),
        contents=_contents(examination, subject),
        entries=tuple(sorted(entries, key=lambda entry: entry.index)),
        claimed_time=examination.leaves[subject].time if subject is not None else None,
        casework=casework_of(examination, checks),
        index=subject.index if subject is not None else None,
        leaf_hash=examination.leaves[subject].hash.hex() if subject is not None else None,
        tree_size=checkpoint.size if checkpoint is not None else None,
        tree_root=checkpoint.root.hex() if checkpoint is not None else None,
    )


def broken_result(detail: str, trust: Trust | None) -> Result:
    """The result for an input of which step 1 leaves nothing to go on."""
    checks = (
        failed(1, [detail]),
        *(not_checked(step, "waits for step 1: the container could not be read") for step in STEP_NAMES if step > 1),
    )
    return Result(Verdict.NOT_VERIFIED, checks, _trust_in_words(trust is not None, trust))


def _entry_result(examination: Examination, entry: Entry, index: int) -> EntryResult:
    leaf = examination.leaves[entry]
    not_before, not_after = _not_before(examination, entry), _not_after(examination, entry)
    return EntryResult(index, leaf.seq, leaf.kind, leaf.time, not_before, not_after, _contents(examination, entry))


def _not_before(examination: Examination, entry: Entry | None) -> str | None:
    found = examination.brackets.get(entry) if entry is not None else None
    return time_text(found.not_before) if found is not None and found.not_before is not None else None


def _not_after(examination: Examination, entry: Entry | None) -> str | None:
    found = examination.brackets.get(entry) if entry is not None else None
    return time_text(found.not_after) if found is not None and found.not_after is not None else None


def _contents(examination: Examination, entry: Entry | None) -> Contents:
    disclosure = examination.disclosures.get(entry) if entry is not None else None
    if disclosure is None:
        return Contents()
    return Contents(disclosure.values, disclosure.absent, disclosure.closed)


def _contents_json(contents: Contents) -> dict[str, Json]:
    return {"fields": dict(contents.fields), "absent": list(contents.absent), "closed": list(contents.closed)}


def _check_json(check: Check) -> Json:
    return {"step": check.step, "name": check.name, "outcome": check.outcome.value, "detail": check.detail}


def _trust_in_words(brought: bool, trust: Trust | None) -> str:
    if brought:
        return "the reader's trust folder"
    if trust is None:
        return "none: the reader brought no trust folder, and the input holds none that can be read"
    return "the operator's own copy inside the bundle, which is no ground for trust"
