"""Steps 6 and 7: the log's signatures and the witnesses' cosignatures on the checkpoint (docs/spec/log.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from verifier.check import Check, failed, not_checked, passed
from verifier.checkpoint import BadCheckpoint, Checkpoint, parse_checkpoint
from verifier.cosignature import LOG_KINDS, WITNESS_KINDS, BadSignature, check_line
from verifier.errors import StepFailed
from verifier.examination import Examination
from verifier.hash_list import HashList
from verifier.merkle import BadProof, check_consistency
from verifier.signed_note import BadNote, Key, SignatureLine, lines_of, text_of
from verifier.trust import RetiredKey, Trust

OWN_COPY = "only against the operator's own copy of a trust folder, which is no ground for trust"


def check_log_signatures(examination: Examination) -> Check:
    """Step 6."""
    note = examination.signed_checkpoint
    if note is None:
        return not_checked(6, "waits for step 5: no proof carries a checkpoint")
    try:
        checkpoint, lines = read_signed(note)
        if examination.trust is None:
            return not_checked(6, "no trust folder was brought")
        detail = check_signed(checkpoint, lines, examination.trust, examination.evidence.retired)
    except StepFailed as error:
        examination.log_refuted = True
        return failed(6, [error.detail])
    if not examination.brought:
        return not_checked(6, f"{detail}; {OWN_COPY}")
    examination.log_signed = True
    return passed(6, detail)


def check_witnesses(examination: Examination) -> Check:
    """Step 7."""
    note = examination.signed_checkpoint
    if note is None or examination.checkpoint is None:
        return not_checked(7, "waits for step 6: the checkpoint cannot be read")
    if examination.trust is None:
        return not_checked(7, "no trust folder was brought")
    try:
        lines = lines_of(note)
    except BadNote:
        return not_checked(7, "waits for step 6: the checkpoint's signature lines cannot be read")
    policy = examination.trust.policy
    try:
        cosigned = {
            name
            for name, key in policy.witnesses.items()
            if key.kind in WITNESS_KINDS and has_line(key, lines, examination.checkpoint, step=7)
        }
    except StepFailed as error:
        return failed(7, [error.detail])
    count = f"{len(cosigned)} of {len(policy.witnesses)} witnesses have cosigned"
    if not examination.brought:
        return not_checked(7, f"{count}; {OWN_COPY}")
    if not policy.asks_witnesses:
        return not_checked(7, f"the policy names no quorum of witnesses; {count}")
    if not policy.is_met(cosigned):
        return not_checked(7, f"too few cosignatures for the quorum: {count}; more may still come")
    examination.quorum_met = True
    return passed(7, f"{count}, which meets the quorum")


def read_signed(note: bytes) -> tuple[Checkpoint, list[SignatureLine]]:
    """A signed checkpoint's text and lines; raises StepFailed(6)."""
    try:
        return parse_checkpoint(text_of(note)), lines_of(note)
    except (BadNote, BadCheckpoint) as error:
        raise StepFailed(6, str(error)) from None


def check_signed(
    checkpoint: Checkpoint, lines: Sequence[SignatureLine], trust: Trust, proofs: Mapping[int, HashList]
) -> str:
    """That the log signed a checkpoint with a key of each type the reader believes; what was found, in words.

    `proofs`: tree size → consistency proof, for retired keys. Raises StepFailed(6).
    """
    current = [key for key in trust.policy.logs if key.name == checkpoint.origin]
    retired = [known for known in trust.retired if known.key.name == checkpoint.origin]
    if not current and not retired:
        raise StepFailed(6, f"no key of the policy or of retired bears the origin's name {checkpoint.origin}")
    keys = {*current, *(known.key for known in retired)}
    signed = {key for key in keys if key.kind in LOG_KINDS and has_line(key, lines, checkpoint, step=6)}
    demanded = _kinds(current) if current else _kinds(known.key for known in retired)
    if not demanded:
        raise StepFailed(6, f"no key for {checkpoint.origin} is of a type that can sign a checkpoint")
    # A key that is listed as retired is believed for its last tree only, even where the policy still lists it.
    ended = {known.key for known in retired}
    proven = {known.key for known in retired if known.key in signed and _is_prefix(checkpoint, known, proofs)}
    for kind in demanded:
        own = [key for key in current if key.kind == kind and key not in ended]
        if not (own and signed.issuperset(own)) and not any(key.kind == kind for key in proven):
            raise StepFailed(6, f"the signature of type {kind:#04x} that the reader's trust demands is missing")
    return f"signed by {checkpoint.origin} with a key of each type that is believed ({len(demanded)})"


def has_line(key: Key, lines: Iterable[SignatureLine], checkpoint: Checkpoint, *, step: int) -> bool:
    """Whether a note has a line of a key; raises StepFailed(step) if one of its lines does not verify."""
    found = [line for line in lines if line.is_of(key)]
    for line in found:
        try:
            check_line(line, key, checkpoint)
        except BadSignature as error:
            raise StepFailed(step, f"the line of {key.name} with key {key.key_id.hex()}: {error}") from None
    return bool(found)


def _kinds(keys: Iterable[Key]) -> list[int]:
    return sorted({key.kind for key in keys} & set(LOG_KINDS))


def _is_prefix(checkpoint: Checkpoint, known: RetiredKey, proofs: Mapping[int, HashList]) -> bool:
    """Whether the checkpoint is proven to be a prefix of the last tree that a retired key is believed for."""
    proof = proofs.get(known.size)
    if proof is None or proof.fault is not None:
        return False
    try:
        check_consistency(checkpoint.size, checkpoint.root, known.size, known.root, proof.hashes)
    except BadProof:
        return False
    return True
