"""The receipt in the answer to a submission is made from what is at hand; read back from the store, it is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.commit.batch import Sequenced
from ledger.commit.prepared import Prepared
from ledger.entry.canonical_json import serialise
from ledger.errors import CorruptError
from ledger.prove.receipt_builder import build_receipt
from ledger.submit.batch_lines import CORES_LINES
from tests.ledger.casework.parties import PHOTO, SAID
from tests.ledger.making import ALICE, anchor_file, make_log, opened, statement

LINES = [statement(n) for n in range(5)]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with opened(make_log(tmp_path)) as ledger:
        yield ledger


def test_the_first_receipt_of_a_file_is_the_one_read_back(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    anchored = anchor_file(ledger, case, PHOTO, "door.jpg", serialise(SAID), ALICE)
    assert anchored.receipt == ledger.receipt(ALICE, anchored.number)


@pytest.mark.parametrize("lines", [1, 3, CORES_LINES + 1])
def test_so_are_those_of_a_batch_whoever_prepared_it(ledger: Ledger, lines: int) -> None:
    case = ledger.open_case(ALICE, "t").case
    ledger._cores.start()
    anchored = ledger.anchor_batch(ALICE, case, [statement(n) for n in range(lines)], "k")
    assert len({each.receipt for each in anchored}) == lines
    for each in anchored[:: max(1, lines // 5)]:
        assert each.receipt == ledger.receipt(ALICE, each.number)


@pytest.mark.parametrize("before", [0, 254, 255, 256, 511])
def test_a_batch_s_receipts_are_those_made_one_by_one_around_the_ends_of_tiles(ledger: Ledger, before: int) -> None:
    case = ledger.open_case(ALICE, "t").case
    ledger.anchor_batch(ALICE, case, [statement(n) for n in range(before - ledger._store.head().size)] or LINES, None)
    for count in (1, 2, 3):
        anchored = ledger.anchor_batch(ALICE, case, [statement(n) for n in range(count)], None)
        for each in anchored:
            assert each.receipt == ledger.receipt(ALICE, each.number), (before, count)


def test_answers_of_lines_answered_before_stand_among_new_ones(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    first = ledger.anchor_batch(ALICE, case, LINES[:2], "k")
    mixed = ledger.anchor_batch(ALICE, case, LINES, "k")
    assert [each.replayed for each in mixed] == [True, True, *[False] * (len(LINES) - 2)]
    assert [each.index for each in mixed[:2]] == [each.index for each in first]
    for each in mixed:
        assert each.receipt == ledger.receipt(ALICE, each.number)


def test_a_leaf_with_another_commitment_makes_no_receipt(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ledger.open_case(ALICE, "t").case
    append = ledger._sequencer.append

    def swapped(submission: Sequence[Prepared]) -> list[Sequenced]:
        first, second, *others = append(submission)
        return [first._replace(leaf=second.leaf), second, *others]

    good = ledger.anchor_batch(ALICE, case, LINES[:2], None)
    assert good[0].receipt == ledger.receipt(ALICE, good[0].number)
    monkeypatch.setattr(ledger._sequencer, "append", swapped)
    with pytest.raises(CorruptError, match="do not give the leaf's commitment"):
        ledger.anchor_batch(ALICE, case, LINES[:2], None)


def test_a_receipt_read_back_is_of_the_entry_and_the_openings_that_stand_there(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    anchored = ledger.anchor(ALICE, case, statement(), None, None, None)
    row, opening = ledger._store.entry(anchored.index), ledger._store.openings([anchored.index])[anchored.index]
    assert row is not None
    assert build_receipt(ledger._parts, row, opening, to_submitter=True) == anchored.receipt
    other = opening._replace(fields=b'{"file.name":"another.txt"}')
    with pytest.raises(CorruptError, match="do not give the leaf's commitment"):
        build_receipt(ledger._parts, row, other, to_submitter=True)
    moved = row._replace(index=row.index - 1)
    with pytest.raises(CorruptError, match="does not give the signed root"):
        build_receipt(ledger._parts, moved, opening, to_submitter=True)
