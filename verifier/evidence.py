"""The one value that a bundle and a receipt both parse into (docs/spec/bundle.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.commitment import OpeningPart
from verifier.container import Digest
from verifier.hash_list import HashList

# Named by the specification: no honest bundle needs more, and each costs signatures and paths to check.
MAX_TIMESTAMPS = 64


@dataclass(frozen=True, eq=False)
class Entry:
    """An entry as it was handed over, nothing of it checked. Two entries are one only if they are the same object.

    `index` is the one the container gives; in a receipt whose number is malformed the subject's is None.
    """

    index: int | None
    leaf: bytes
    proof: bytes
    hashes: HashList | None = None
    openings: tuple[OpeningPart, ...] = ()
    secret: bytes | None = None

    @property
    def label(self) -> str:
        """What to call the entry in a message."""
        return "the subject" if self.index is None else f"entry {self.index}"


@dataclass(frozen=True)
class Timestamp:
    """A timestamp's three parts; a token that was not base64 is empty."""

    token: bytes
    stamped: bytes
    consistency: HashList


@dataclass(frozen=True)
class EvidenceFile:
    """A file inside a bundle: never its bytes, only its digest; `extension` is that of its member's name."""

    extension: str
    digest: Digest


@dataclass(frozen=True)
class Evidence:
    """A bundle's or receipt's parts. One of `number` and `case` is not None, as the input states it.

    `subject`: the entry that `number` names, if there is one. `files`: index → files of `evidence/`. `certificates`:
    the PEM texts. `retired`: tree size → consistency proof. `trust_copy`: the operator's own trust folder, path →
    bytes. `faults`: what step 1 already knows to be wrong, one clause each.
    """

    is_receipt: bool
    number: str | None
    case: str | None
    subject: Entry | None
    entries: tuple[Entry, ...]
    timestamps: tuple[Timestamp, ...]
    certificates: tuple[bytes, ...] = ()
    files: Mapping[int, tuple[EvidenceFile, ...]] = field(default_factory=dict)
    retired: Mapping[int, HashList] = field(default_factory=dict)
    trust_copy: Mapping[str, bytes] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
