"""What is being verified, with what, and what the steps have found so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifier.checkpoint import Checkpoint
from verifier.commitment import Disclosure
from verifier.container import Digest
from verifier.evidence import Entry, Evidence
from verifier.leaf import ANCHORED, Leaf
from verifier.time_bracket import Bracket
from verifier.trust import Trust

RELATION = "relation.entry"


@dataclass
class Examination:
    """One run over one evidence.

    `trust` is the reader's if `brought`, else the bundle's own copy, or None. `now_us`: microseconds since 1970.
    `file`: the digest of the file given beside the evidence. The rest is what steps leave for later ones; an entry
    that is missing from a mapping did not pass the step that fills it.
    """

    evidence: Evidence
    trust: Trust | None
    brought: bool
    now_us: int
    file: Digest | None = None
    online: str | None = None

    leaves: dict[Entry, Leaf] = field(default_factory=dict)
    disclosures: dict[Entry, Disclosure] = field(default_factory=dict)
    signed_checkpoint: bytes | None = None
    checkpoint: Checkpoint | None = None
    proven: set[Entry] = field(default_factory=set)
    log_signed: bool = False
    log_refuted: bool = False
    quorum_met: bool = False
    brackets: dict[Entry, Bracket] = field(default_factory=dict)

    def subjects(self) -> list[Entry]:
        """The subject: the entry that the number names, or all readable entries of the case's chain."""
        if self.evidence.case is None:
            return [self.evidence.subject] if self.evidence.subject in self.leaves else []
        return [entry for entry, leaf in self.leaves.items() if leaf.chain == self.evidence.case]

    def anchored(self) -> list[Entry]:
        """The subject's `evidence.anchored` entries."""
        return [entry for entry in self.subjects() if self.leaves[entry].kind == ANCHORED]

    def related(self) -> list[Entry]:
        """In an entry's bundle, the entries whose open `relation.entry` is the subject's index."""
        return [entry for entry in self.evidence.entries if self.relates(entry)]

    def relates(self, entry: Entry) -> bool:
        """Whether an entry of the subject's chain names the subject by an open `relation.entry`."""
        subject = self.evidence.subject
        if subject is None or entry is subject or subject not in self.leaves or entry not in self.disclosures:
            return False
        value = self.disclosures[entry].values.get(RELATION)
        same_chain = self.leaves[entry].chain == self.leaves[subject].chain
        return same_chain and not isinstance(value, bool) and value == subject.index
