"""Step 9: the chain, and the contradictions of the times its entries claim (docs/spec/entry.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from verifier.check import Check, failed, not_checked, passed
from verifier.evidence import Entry
from verifier.examination import Examination
from verifier.leaf import Leaf

TOLERANCE_US = 5_000_000


def check_chain(examination: Examination) -> Check:
    """Step 9: neighbours agree; in a case's bundle the chain is there from its first entry without a gap."""
    faults: list[str] = []
    for links in _chains(examination).values():
        faults += _link_faults(links)
    case = examination.evidence.case
    if case is not None:
        faults += _gaps(examination, case)
    if faults:
        return failed(9, faults)
    if case is None:
        return not_checked(9, f"an entry's evidence does not hold its whole chain{_missing_between(examination)}")
    if len(examination.leaves) < len(examination.evidence.entries):
        return not_checked(9, "waits for step 2: not every leaf could be read")
    count = len(examination.subjects())
    return passed(9, f"the chain is there from seq 0 to {count - 1}; that nothing follows is not proven")


def claim_contradictions(examination: Examination) -> Iterator[str]:
    """Claimed times that leave their proven bracket, or run behind the entry before, by more than 5 s."""
    for entry, leaf in examination.leaves.items():
        bracket = examination.brackets.get(entry)
        if bracket is not None and bracket.excludes(leaf.time_us, TOLERANCE_US):
            yield f"{entry.label} claims {leaf.time}, which is outside its proven time"
    for links in _chains(examination).values():
        for (_, before), (entry, leaf) in pairwise(links):
            if leaf.seq == before.seq + 1 and leaf.time_us < before.time_us - TOLERANCE_US:
                yield f"{entry.label} claims {leaf.time}, which is before the {before.time} of the entry before it"


def _chains(examination: Examination) -> dict[str, list[tuple[Entry, Leaf]]]:
    chains: dict[str, list[tuple[Entry, Leaf]]] = defaultdict(list)
    for entry, leaf in examination.leaves.items():
        chains[leaf.chain].append((entry, leaf))
    for links in chains.values():
        links.sort(key=lambda link: (link[1].seq, link[0].index or 0))
    return chains


def _link_faults(links: Sequence[tuple[Entry, Leaf]]) -> Iterator[str]:
    for (earlier, before), (entry, leaf) in pairwise(links):
        if leaf.seq == before.seq:
            yield f"{earlier.label} and {entry.label} of one chain have the same seq {leaf.seq}"
            continue
        if earlier.index is not None and entry.index is not None and entry.index <= earlier.index:
            yield f"{entry.label} has a higher seq than {earlier.label} and should have a higher index"
        if leaf.seq == before.seq + 1 and leaf.prev != before.hash:
            yield f"the prev of {entry.label} is not the leaf hash of {earlier.label}, the entry before it"


def _missing_between(examination: Examination) -> str:
    """How many entries of the subject's chain are known to be missing: those between two of it that are there."""
    chains = {examination.leaves[entry].chain for entry in examination.subjects()}
    found = sorted({leaf.seq for leaf in examination.leaves.values() if leaf.chain in chains})
    if not found:
        return ""
    missing = found[-1] - found[0] + 1 - len(found)
    return f": of seq {found[0]} to {found[-1]}, {missing} entries are not there; whether any follows is not shown"


def _gaps(examination: Examination, case: str) -> list[str]:
    found = sorted(examination.leaves[entry].seq for entry in examination.subjects())
    if len(examination.leaves) < len(examination.evidence.entries):
        return []  # a leaf that step 2 refused may be what is missing
    if not found:
        return [f"the bundle of the case {case} holds no entry of it"]
    if found != list(range(len(found))):
        return ["the entries of the case do not have seq 0 to the last without a gap"]
    return []
