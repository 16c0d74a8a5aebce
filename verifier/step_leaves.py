"""Steps 2 and 4: the leaves and the commitments, entry by entry."""

from __future__ import annotations

from verifier.check import Check, failed, not_checked, passed
from verifier.commitment import BadCommitment, check, check_anchored
from verifier.examination import Examination
from verifier.leaf import ANCHORED, BadLeaf, parse_leaf


def check_leaves(examination: Examination) -> Check:
    """Step 2: every leaf is in the leaf grammar, with the content that its kind must have."""
    entries = examination.evidence.entries
    if not entries:
        return not_checked(2, "the evidence holds no entry")
    faults: list[str] = []
    for entry in entries:
        try:
            examination.leaves[entry] = parse_leaf(entry.leaf)
        except BadLeaf as error:
            faults.append(f"{entry.label}: {error}")
    if faults:
        return failed(2, faults)
    unknown = sorted({leaf.kind for leaf in examination.leaves.values() if not leaf.known_kind})
    kinds = f"; of unknown kind: {', '.join(unknown[:5])}" if unknown else ""
    return passed(2, f"{len(entries)} leaves are in the leaf grammar{kinds}")


def check_commitments(examination: Examination) -> Check:
    """Step 4: every entry with fields is handed over with hashes and openings of its commitment."""
    faults: list[str] = []
    with_fields = 0
    for entry, leaf in examination.leaves.items():
        if leaf.fields is None:
            continue
        with_fields += 1
        try:
            disclosure = check(leaf.fields, entry.hashes, entry.openings, entry.secret)
            if leaf.kind == ANCHORED:
                check_anchored(disclosure)
        except BadCommitment as error:
            faults.append(f"{entry.label}: {error}")
        else:
            examination.disclosures[entry] = disclosure
    if faults:
        return failed(4, faults)
    if len(examination.leaves) < len(examination.evidence.entries):
        return not_checked(4, "waits for step 2: not every leaf could be read")
    if not with_fields:
        return not_checked(4, "the evidence holds no entry with fields")
    return passed(4, f"{with_fields} commitments agree with the hashes and openings handed over")
