"""Step 3: the evidence file, against what its entry commits to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from verifier.casework.act import acts_of
from verifier.casework.item import FILE, Item, items_of
from verifier.check import Check, failed, not_checked, passed
from verifier.container import Digest
from verifier.evidence import Entry
from verifier.examination import Examination

_COMMITTED = ("file.size", "file.sha256", "file.sha512")


def check_files(examination: Examination) -> Check:
    """Step 3: every file at hand is the one that its entry commits to."""
    anchored = examination.anchored()
    faults: list[str] = []
    open_questions: list[str] = []
    items = items_of(examination, acts_of(examination), ())
    if examination.file is not None and len(anchored) != 1:
        open_questions.append(f"a file is given and the subject has {len(anchored)} entries it could be of, not one")
    for entry in anchored:
        files = _files_at_hand(examination, entry, alone=len(anchored) == 1)
        if not files:
            open_questions.append(f"no file at hand for {entry.label}{_erased([FILE], entry, items)}")
        if entry not in examination.disclosures:
            open_questions.append(f"waits for step 4 for {entry.label}")
            continue
        for file in files:
            faults += _differences(examination, entry, file)
        closed = [name for name in _COMMITTED if name not in examination.disclosures[entry].values]
        if closed:
            open_questions.append(f"{', '.join(closed)} of {entry.label} not open{_erased(closed, entry, items)}")
    if faults:
        return failed(3, faults)
    if open_questions:
        return not_checked(3, "; ".join(open_questions[:3]))
    if not anchored:
        return not_checked(3, _why_none(examination))
    return passed(3, f"the files at hand for {len(anchored)} entries have the sizes and digests committed to")


def _erased(names: Iterable[str], entry: Entry, items: Mapping[int, Item]) -> str:
    """Which of some names that are not to be had were erased, and where that is on record."""
    item = items.get(entry.index) if entry.index is not None else None
    found = {name: item.erasure_of(name) for name in names} if item is not None else {}
    said = [f"{name} erased on order, see {act.number}" for name, act in found.items() if act is not None]
    return f" ({', '.join(said)}; the commitment is intact)" if said else ""


def _why_none(examination: Examination) -> str:
    if examination.evidence.case is None and not examination.subjects():
        return "waits for steps 2 and 5: no subject could be read"
    return "the subject is no evidence.anchored and has none"


def _files_at_hand(examination: Examination, entry: Entry, *, alone: bool) -> list[Digest]:
    inside = examination.evidence.files.get(entry.index, ()) if entry.index is not None else ()
    files = [file.digest for file in inside]
    if alone and examination.file is not None:
        files.append(examination.file)
    return files


def _differences(examination: Examination, entry: Entry, file: Digest) -> Iterator[str]:
    values = examination.disclosures[entry].values
    for name, found in zip(_COMMITTED, (file.size, file.sha256, file.sha512), strict=True):
        if name in values and values[name] != found:
            yield f"{name} of {entry.label} differs from the file at hand"
