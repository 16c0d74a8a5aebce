"""A checkpoint's note text (docs/spec/log.md; C2SP tlog-checkpoint), and the proof that carries one (tlog-proof)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.encoding import BadEncoding, base64_hash, decimal
from verifier.errors import VerifierError
from verifier.merkle import EMPTY_ROOT, MAX_PROOF
from verifier.signed_note import is_name

# The size stands as uint64 in what an ML-DSA-44 line signs.
MAX_SIZE = 2**63 - 1
PROOF_HEADER = "c2sp.org/tlog-proof@v1"


class BadCheckpoint(VerifierError):
    """A note text is not a checkpoint's."""


class BadProofFile(VerifierError):
    """A proof file is not in the form of tlog-proof, apart from its checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: `root` of 32 bytes; `text` the exact bytes of the three lines."""

    origin: str
    size: int
    root: bytes
    text: bytes


@dataclass(frozen=True)
class ProofFile:
    """A tlog-proof: the entry's index, the sibling hashes from the leaf upwards, the signed checkpoint's bytes."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def parse_checkpoint(text: bytes) -> Checkpoint:
    """A checkpoint from its note text, exactly three lines; raises BadCheckpoint."""
    try:
        lines = text.decode("utf-8").split("\n", 4)
    except UnicodeDecodeError as error:
        raise BadCheckpoint(f"the checkpoint is not utf-8 at byte {error.start}") from None
    if len(lines) != 4 or lines[3]:
        raise BadCheckpoint("a checkpoint's text should be exactly three lines, each with its line feed")
    origin, size_text, root_text, _ = lines
    if not is_name(origin):
        raise BadCheckpoint("the origin is empty, too long, or holds a space, a + or a control character")
    try:
        size, root = decimal(size_text), base64_hash(root_text)
    except BadEncoding as error:
        raise BadCheckpoint(f"the checkpoint of {origin}: {error}") from None
    if size > MAX_SIZE:
        raise BadCheckpoint(f"the tree size {size} is beyond 2^64-1")
    if size == 0 and root != EMPTY_ROOT:
        raise BadCheckpoint("a tree of size 0 should have the root of the empty tree")
    return Checkpoint(origin, size, root, text)


def parse_proof(data: bytes) -> ProofFile:
    """A tlog-proof without looking into its checkpoint; raises BadProofFile."""
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap:
        raise BadProofFile("the proof has no empty line before its checkpoint")
    if checkpoint.startswith(b"\n"):
        raise BadProofFile("the proof has more than one empty line before its checkpoint")
    try:
        lines = head.decode("ascii").split("\n", MAX_PROOF + 2)
    except UnicodeDecodeError:
        raise BadProofFile("the proof's lines before its checkpoint are not ascii") from None
    if lines[0] != PROOF_HEADER:
        raise BadProofFile(f"the proof's first line should be {PROOF_HEADER}")
    if len(lines) < 2 or not lines[1].startswith("index "):
        raise BadProofFile("the proof's second line should be its index")
    if len(lines) - 2 > MAX_PROOF:
        raise BadProofFile(f"a proof has at most {MAX_PROOF} hashes and this one has more")
    try:
        index = decimal(lines[1].removeprefix("index "))
        hashes = tuple(base64_hash(line) for line in lines[2:])
    except BadEncoding as error:
        raise BadProofFile(f"the proof: {error}") from None
    return ProofFile(index, hashes, checkpoint)
