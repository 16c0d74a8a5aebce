"""Step 1: the container as a whole, and which entries and files may be in it (docs/spec/bundle.md)."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from verifier.canonical_json import Json
from verifier.check import Check, failed, passed
from verifier.checkpoint import BadProofFile, parse_proof
from verifier.evidence import Entry, EvidenceFile
from verifier.examination import Examination
from verifier.leaf import ANCHORED, RECORDED, Leaf

MAX_EXTENSION = 8
NO_EXTENSION = "bin"
_EXTENSION_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def check_container(examination: Examination) -> Check:
    """Step 1, after the entries were read: what reading the container found, and what nothing admits."""
    faults = list(examination.evidence.faults)
    faults += _misplaced_fields(examination)
    if _subject_is_named(examination):
        faults += _subject_faults(examination)
        faults += _admission_faults(examination)
        faults += _file_faults(examination)
    if faults:
        return failed(1, faults)
    form = "receipt" if examination.evidence.is_receipt else "bundle"
    return passed(1, f"the {form} has the form of one and holds {len(examination.evidence.entries)} entries")


def extension_of(file_name: str) -> str:
    """The extension that an evidence file's member must have. Only ascii letters are lowered: str.lower() would make
    a k of the Kelvin sign."""
    _, dot, last = file_name.rpartition(".")
    lowered = "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in last)
    fits = dot and 1 <= len(lowered) <= MAX_EXTENSION and set(lowered) <= _EXTENSION_CHARS
    return lowered if fits else NO_EXTENSION


def _misplaced_fields(examination: Examination) -> Iterator[str]:
    for entry, leaf in examination.leaves.items():
        if (
            leaf.public is not None
            and (entry.hashes is not None or entry.openings)
            and not _is_receipt_subject(examination, entry)
        ):
            yield f"{entry.label} has public, and hashes or fields beside it"


def _is_receipt_subject(examination: Examination, entry: Entry) -> bool:
    """A receipt always has `hashes` and `opened`; that its subject has public is a fault of its own."""
    return examination.evidence.is_receipt and entry is examination.evidence.subject


def _subject_is_named(examination: Examination) -> bool:
    """Whether the number names the subject; if not, that is step 5's fault alone and admission is not judged."""
    evidence = examination.evidence
    if evidence.case is not None or not evidence.is_receipt:
        return evidence.case is not None or evidence.subject is not None
    subject = evidence.subject
    if subject is None or subject.index is None:
        return False
    try:
        named = parse_proof(subject.proof).index == subject.index
    except BadProofFile:
        named = True
    return named and all(entry is subject or entry.index != subject.index for entry in evidence.entries)


def _subject_faults(examination: Examination) -> Iterator[str]:
    for entry in examination.subjects():
        if examination.leaves[entry].public is not None:
            yield f"{entry.label} is the subject and should have fields, not public"
    # Entries with `public` are on the system chain, and no others are: here is one that says which chain that is.
    system = {leaf.chain for leaf in examination.leaves.values() if leaf.public is not None}
    if examination.evidence.case in system:
        yield "the case is the system chain"
    subject = examination.evidence.subject
    leaf = None if subject is None else examination.leaves.get(subject)
    if leaf is not None and leaf.fields is not None and leaf.chain in system:
        yield "the subject is on the system chain"


def _admission_faults(examination: Examination) -> Iterator[str]:
    tokens = {base64.b64encode(timestamp.token).decode("ascii") for timestamp in examination.evidence.timestamps}
    subject = examination.evidence.subject
    for entry, leaf in examination.leaves.items():
        if entry is subject or leaf.chain == examination.evidence.case or _is_recording(leaf, tokens):
            continue
        if _waits(examination, entry, leaf) or examination.relates(entry):
            continue
        yield f"nothing admits {entry.label} to the evidence"


def _is_recording(leaf: Leaf, tokens: set[str]) -> bool:
    token: Json = (leaf.public or {}).get("token")
    return leaf.kind == RECORDED and isinstance(token, str) and token in tokens


def _waits(examination: Examination, entry: Entry, leaf: Leaf) -> bool:
    """Whether an entry could relate to the subject, if step 2 or 4 had not failed on one of them."""
    evidence = examination.evidence
    if evidence.is_receipt or evidence.subject is None or leaf.fields is None:
        return False
    subject = examination.leaves.get(evidence.subject)
    if subject is None:
        return True
    return subject.chain == leaf.chain and entry not in examination.disclosures


def _file_faults(examination: Examination) -> Iterator[str]:
    evidence = examination.evidence
    by_index = {entry.index: entry for entry in evidence.entries}
    subjects = set(examination.subjects())
    for index, files in evidence.files.items():
        entry = by_index.get(index)
        if entry is not None and entry not in examination.leaves:
            continue  # step 2 failed on it
        if entry is None or entry not in subjects or examination.leaves[entry].kind != ANCHORED:
            yield f"evidence/ holds a file for {index}, which is no evidence.anchored of the subject"
        else:
            yield from _name_faults(examination, entry, files)


def _name_faults(examination: Examination, entry: Entry, files: tuple[EvidenceFile, ...]) -> Iterator[str]:
    if len(files) > 1:
        yield f"evidence/ holds more than one file for {entry.label}"
    disclosure = examination.disclosures.get(entry)
    name = disclosure.values.get("file.name") if disclosure is not None else None
    for file in files:
        if isinstance(name, str) and file.extension != extension_of(name):
            yield f"the file of {entry.label} should end in .{extension_of(name)} and ends in .{file.extension}"
