"""Step 8: the timestamps, and when the subject was appended (docs/spec/time.md)."""

from __future__ import annotations

import base64

from verifier.check import Check, failed, not_checked, passed
from verifier.checkpoint import BadCheckpoint, Checkpoint, parse_checkpoint
from verifier.encoding import time_text
from verifier.errors import BadTimestamp
from verifier.evidence import Entry, Timestamp
from verifier.examination import Examination
from verifier.leaf import RECORDED
from verifier.merkle import BadProof, check_consistency
from verifier.pem import readable
from verifier.rfc3161 import Token, check_token, parse_response
from verifier.step_signatures import OWN_COPY
from verifier.time_bracket import Bracket, Judgement, Stamp, bracket, judge


def check_time(examination: Examination) -> Check:
    """Step 8: no timestamp is bad, and the authorities that the reader believes prove when the subject was appended."""
    faults: list[str] = []
    recordings = _recordings(examination)
    stamps: list[Stamp] = []
    for place, timestamp in enumerate(examination.evidence.timestamps):
        try:
            token, stamped = _check_timestamp(timestamp, examination.checkpoint)
        except (BadTimestamp, BadCheckpoint, BadProof) as error:
            faults.append(f"timestamp {place}: {error}")
        else:
            stamps.append(Stamp(place, token, stamped.size, recordings.get(timestamp.token)))
    if faults:
        return failed(8, faults)
    if examination.checkpoint is None or examination.log_refuted:
        return not_checked(8, "waits for step 6: the checkpoint that the timestamps lean on is not the log's")
    if examination.trust is None:
        return not_checked(8, "no trust folder was brought")
    intermediates = readable(examination.evidence.certificates)
    judgement = judge(stamps, examination.trust, intermediates, examination.now_us)
    quorum = examination.trust.quorum
    brackets = {
        entry: bracket(entry.index, judgement.counted, quorum)
        for entry in examination.proven
        if entry.index is not None
    }
    return _outcome(examination, brackets, judgement)


def _outcome(examination: Examination, brackets: dict[Entry, Bracket], judgement: Judgement) -> Check:
    subjects = examination.subjects()
    empty = [entry.label for entry in subjects if entry in brackets and brackets[entry].is_empty]
    if empty:
        return failed(8, [f"{label} has a not before that is later than its not after" for label in empty])
    uncounted = "".join(f"; timestamp {place}: {reason}" for place, reason in sorted(judgement.reasons.items())[:8])
    if not examination.brought:
        return not_checked(8, OWN_COPY + uncounted)
    examination.brackets = brackets
    if examination.trust is None or not examination.trust.authorities:
        return not_checked(8, "the trust folder names no independent timestamp authority" + uncounted)
    if not subjects or any(entry not in brackets for entry in subjects):
        return not_checked(8, "waits for step 5: the subject is not proven to be in the log")
    quorum = examination.trust.quorum
    for entry in subjects:
        if brackets[entry].not_after is None:
            count = brackets[entry].uppers
            return not_checked(8, f"{count} of {quorum} authorities prove a not after for {entry.label}{uncounted}")
    if examination.evidence.case is not None:
        return passed(8, f"a not after is proven for each of {len(subjects)} entries{uncounted}")
    return passed(8, _in_words(brackets[subjects[0]], quorum) + uncounted)


def _in_words(found: Bracket, quorum: int) -> str:
    not_after = time_text(found.not_after) if found.not_after is not None else None
    if found.not_before is None:
        reason = f"{found.lowers} of {quorum} authorities have a token recorded before it"
        return f"not after {not_after}; not before is not proven: {reason}"
    return f"not before {time_text(found.not_before)}, not after {not_after}"


def _check_timestamp(timestamp: Timestamp, proofs: Checkpoint | None) -> tuple[Token, Checkpoint]:
    """A timestamp's token and the checkpoint it stamped; raises for whatever makes a timestamp bad.

    Without the proofs' checkpoint (then step 6 failed), what needs it is left out.
    """
    token = parse_response(timestamp.token)
    stamped = parse_checkpoint(timestamp.stamped)
    if stamped.size == 0:
        raise BadCheckpoint("the stamped checkpoint is of an empty tree")
    check_token(token, timestamp.stamped)
    if timestamp.consistency.fault is not None:
        raise BadProof(f"its consistency proof: {timestamp.consistency.fault}")
    if proofs is None:
        return token, stamped
    if stamped.origin != proofs.origin:
        raise BadCheckpoint("the stamped checkpoint is of another origin than the proofs' checkpoint")
    small, large = (stamped, proofs) if stamped.size <= proofs.size else (proofs, stamped)
    check_consistency(small.size, small.root, large.size, large.root, timestamp.consistency.hashes)
    return token, stamped


def _recordings(examination: Examination) -> dict[bytes, int]:
    """Token → the lowest index of an entry that records it and is proven to be in the log."""
    by_text = {base64.b64encode(item.token).decode("ascii"): item.token for item in examination.evidence.timestamps}
    found: dict[bytes, int] = {}
    for entry in examination.proven:
        leaf = examination.leaves.get(entry)
        if leaf is None or leaf.kind != RECORDED or leaf.public is None or entry.index is None:
            continue
        text = leaf.public["token"]
        token = by_text.get(text) if isinstance(text, str) else None
        if token is not None:
            found[token] = min(found.get(token, entry.index), entry.index)
    return found
