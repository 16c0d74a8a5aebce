"""The log read from the evidence on: step 11 of the check of an answer (docs/spec/casework.md)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.answer.unshown import Found, Unshown, bears, unshown_among
from verifier.check import Check, Outcome, failed, not_checked, passed
from verifier.checkpoint import Checkpoint
from verifier.evidence import Entry
from verifier.examination import Examination
from verifier.leaf import BadLeaf, parse_leaf
from verifier.online import served_checkpoint
from verifier.server import Server, Unreachable
from verifier.stretch import MAX_LEAVES, BadStretch, read_stretch
from verifier.tiles import TiledLog

_SHOWN_SENTENCES = 3  # of the entries that are missing, in a step's detail; --json has all


@dataclass(frozen=True)
class Reading:
    """Step 11; the size of the tree up to which the log was read, None if it was not; what the answer does not show.

    `size`: that of the largest signed tree that is known, 0 if none is.
    """

    check: Check
    size: int = 0
    read_to: int | None = None
    unshown: tuple[Unshown, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it was proven that nothing that bears on the answer is left out of it."""
        return self.check.outcome is Outcome.PASSED


def read_log(examination: Examination, demand: int, server: Server) -> Reading:
    """Read the log behind the server; the examination's other steps have been taken and found no fault."""
    checkpoint, subject = examination.checkpoint, examination.evidence.subject
    if checkpoint is None or not examination.log_signed:
        return Reading(not_checked(11, "waits for step 6: there is no checkpoint that the reader's trust believes"))
    if subject is None or subject.index is None or subject not in examination.proven:
        return Reading(not_checked(11, "waits for step 5: the evidence is not proven"), checkpoint.size)
    log = TiledLog(server)
    trees, question = [checkpoint], ""
    try:
        served = served_checkpoint(log, examination, checkpoint)
    except Unreachable as error:
        question = f"the log as it stands now is not known: {error}"
    else:
        if served.size > subject.index:  # an older one too must be met on the way
            trees.append(served)
        if served.size < checkpoint.size:
            question = f"the log serves an older checkpoint, of {served.size} entries, than the answer's"
    return _read(_Stretch(log, subject, subject.index + 1, trees), examination, demand, server, question)


@dataclass(frozen=True)
class _Stretch:
    """What is to be read: from `start` on, which follows the evidence, to the largest of the signed trees."""

    log: TiledLog
    subject: Entry
    start: int
    trees: list[Checkpoint]

    @property
    def end(self) -> int:
        return max(tree.size for tree in self.trees)


def _read(stretch: _Stretch, examination: Examination, demand: int, server: Server, question: str) -> Reading:
    end, count = stretch.end, stretch.end - stretch.start
    if count > MAX_LEAVES:
        detail = f"the log has {count} entries after the evidence, and at most {MAX_LEAVES} are read here"
        return Reading(not_checked(11, f"{detail}; {_not_shown(end)}"), end)
    try:
        found, unread = _bearing(stretch, examination)
    except Unreachable as error:
        return Reading(not_checked(11, f"the log's entries cannot be read: {error}; {_not_shown(end)}"), end)
    except BadStretch as error:
        return Reading(failed(11, [str(error)]), end)
    unshown = unshown_among(found, examination, demand, server)
    questions = [each.sentence for each in unshown[:_SHOWN_SENTENCES]]
    if len(unshown) > _SHOWN_SENTENCES:
        questions.append(f"and {len(unshown) - _SHOWN_SENTENCES} more")
    if unread:
        questions.append(f"entry {unread[0]} of the log cannot be read here, so its chain is not known")
    if question:
        questions.append(question)
    if questions:
        return Reading(not_checked(11, "; ".join(questions)), end, end, unshown)
    detail = f"of the log's {end} entries, those after the evidence hold none that bears on the answer and is not shown"
    return Reading(passed(11, detail), end, end)


def _not_shown(size: int) -> str:
    return f"whether the case has later entries, up to the log's {size}, is not shown"


def _bearing(stretch: _Stretch, examination: Examination) -> tuple[list[Found], list[int]]:
    """The entries of the evidence's chain that bear on an answer; the indexes of leaves that cannot be read."""
    chain = examination.leaves[stretch.subject].chain
    found: list[Found] = []
    unread: list[int] = []
    for index, data in read_stretch(stretch.log, stretch.start, stretch.trees):
        try:
            leaf = parse_leaf(data)
        except BadLeaf:
            unread.append(index)
            continue
        if leaf.chain == chain and bears(leaf):
            found.append(Found(index, leaf))
    return found, unread
