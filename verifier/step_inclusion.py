"""Step 5: every entry is in the tree of the one checkpoint that all proofs carry."""

from __future__ import annotations

from verifier.check import Check, failed, not_checked, passed
from verifier.checkpoint import BadCheckpoint, BadProofFile, ProofFile, parse_checkpoint, parse_proof
from verifier.evidence import Entry
from verifier.examination import Examination
from verifier.merkle import BadProof, check_inclusion, leaf_hash
from verifier.receipt_number import BadNumber, index_of
from verifier.signed_note import BadNote, text_of


def check_inclusion_proofs(examination: Examination) -> Check:
    """Step 5; finds the checkpoint for the later steps and the entries that are proven to be in its tree."""
    faults = _number_faults(examination)
    proofs = _parse_proofs(examination, faults)
    _find_checkpoint(examination, proofs)
    checkpoint = examination.checkpoint
    for entry, proof in proofs.items():
        if proof.checkpoint != examination.signed_checkpoint:
            faults.append(f"{entry.label}: its proof carries another checkpoint than the subject's")
        elif entry.index is not None and proof.index != entry.index:
            faults.append(f"{entry.label}: its proof is one for index {proof.index}")
        elif checkpoint is not None:
            try:
                check_inclusion(proof.index, checkpoint.size, leaf_hash(entry.leaf), proof.hashes, checkpoint.root)
            except BadProof as error:
                faults.append(f"{entry.label}: {error}")
            else:
                examination.proven.add(entry)
    if faults:
        return failed(5, faults)
    if not proofs:
        return not_checked(5, "the evidence holds no entry")
    if checkpoint is None:
        return not_checked(5, "waits for step 6: the checkpoint's text cannot be read")
    return passed(5, f"{len(proofs)} entries are in the tree of {checkpoint.size} entries")


def _number_faults(examination: Examination) -> list[str]:
    evidence = examination.evidence
    if evidence.number is None:
        return []
    try:
        index = index_of(evidence.number)
    except BadNumber as error:
        return [str(error)]
    if evidence.subject is None:
        return [f"the receipt number names entry {index}, which the bundle does not hold"]
    if any(entry is not evidence.subject and entry.index == index for entry in evidence.entries):
        return [f"the receipt number names entry {index}, which is one of the recorded entries"]
    return []


def _parse_proofs(examination: Examination, faults: list[str]) -> dict[Entry, ProofFile]:
    proofs: dict[Entry, ProofFile] = {}
    for entry in examination.evidence.entries:
        try:
            proofs[entry] = parse_proof(entry.proof)
        except BadProofFile as error:
            faults.append(f"{entry.label}: {error}")
    return proofs


def _find_checkpoint(examination: Examination, proofs: dict[Entry, ProofFile]) -> None:
    """The checkpoint is the subject's, or else the first; step 5 demands that all are the same bytes."""
    subject = examination.evidence.subject
    first = proofs.get(subject) if subject is not None else None
    first = first or next(iter(proofs.values()), None)
    if first is None:
        return
    examination.signed_checkpoint = first.checkpoint
    try:
        examination.checkpoint = parse_checkpoint(text_of(first.checkpoint))
    except (BadNote, BadCheckpoint):  # step 6 says so
        examination.checkpoint = None
