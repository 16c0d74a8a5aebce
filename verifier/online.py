"""Step 11: the log as it stands now (docs/spec/verification.md)."""

from __future__ import annotations

from verifier.check import Check, Outcome, failed, not_checked, passed
from verifier.checkpoint import Checkpoint
from verifier.errors import StepFailed
from verifier.examination import Examination
from verifier.leaf import BadLeaf, parse_leaf
from verifier.server import Server, Unreachable
from verifier.step_signatures import check_signed, read_signed
from verifier.stretch import MAX_LEAVES, BadStretch, read_stretch
from verifier.tiles import TiledLog


def check_online(examination: Examination) -> Check:
    """Step 11: PASSED when the served log extends the bundle's tree and holds no later entry of the subject's chain."""
    if examination.online is None:
        return not_checked(11, "offline")
    checkpoint = examination.checkpoint
    if checkpoint is None or not examination.log_signed:
        return not_checked(11, "waits for step 6: there is no checkpoint that the reader's trust believes")
    chains = {examination.leaves[entry].chain for entry in examination.subjects()}
    if not chains:
        return not_checked(11, "waits for steps 2 and 5: no subject could be read")
    try:
        log = TiledLog(Server(examination.online))
        served = served_checkpoint(log, examination, checkpoint)
        return _compare(log, checkpoint, served, chains, is_case=examination.evidence.case is not None)
    except Unreachable as error:
        return not_checked(11, f"the log cannot be reached: {error}")


def served_checkpoint(log: TiledLog, examination: Examination, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint served now, of the same log as `checkpoint` and signed as in step 6.

    Raises Unreachable for any other: it says nothing about the log.
    """
    try:
        served, lines = read_signed(log.checkpoint())
        if examination.trust is None or served.origin != checkpoint.origin:
            raise Unreachable("the checkpoint served there is another log's")
        check_signed(served, lines, examination.trust, examination.evidence.retired)
    except StepFailed as error:
        raise Unreachable(f"the checkpoint served there is not signed as step 6 demands: {error.detail}") from None
    return served


def _compare(log: TiledLog, old: Checkpoint, new: Checkpoint, chains: set[str], *, is_case: bool) -> Check:
    if new.size < old.size:
        return not_checked(11, f"the log serves an older checkpoint, of {new.size} entries")
    if new.size - old.size > MAX_LEAVES:
        return not_checked(11, f"the log has grown by {new.size - old.size} entries, too many to read here")
    if new.size == old.size:
        if new.root != old.root:
            return failed(11, [f"the log signed two different trees of {new.size} entries"])
        return passed(11, "the log has not grown since")
    later: list[int] = []
    unread: list[int] = []
    try:
        for index, leaf in read_stretch(log, old.size, (old, new)):
            chain = _chain_of(leaf)
            if chain is None:
                unread.append(index)
            elif chain in chains:
                later.append(index)
    except BadStretch as error:
        return failed(11, [str(error)])
    if unread and not later:
        return not_checked(11, f"entry {unread[0]} of the log cannot be read here, so its chain is not known")
    return _later(later, new.size, is_case=is_case)


def _later(later: list[int], size: int, *, is_case: bool) -> Check:
    if not later:
        return passed(11, f"the log of now {size} entries holds no later entry of the chain")
    detail = f"the log holds {len(later)} later entries of the chain, the first is entry {later[0]}"
    return Check(11, Outcome.FAILED if is_case else Outcome.NOT_CHECKED, detail)


def _chain_of(leaf: bytes) -> str | None:
    """The chain of a leaf in the log; None for one that cannot be read, such as one of a later version."""
    try:
        return parse_leaf(leaf).chain
    except BadLeaf:
        return None
