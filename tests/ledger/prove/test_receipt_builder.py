"""The receipt in the answer to a submission is made from what is at hand; read back from the store, it is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.entry.canonical_json import serialise
from ledger.entry.commitment import commit_fields
from ledger.entry.receipt_frame import frame_receipt
from ledger.errors import CorruptError
from ledger.prove.receipt_builder import build_first_receipt, build_framed_receipts
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


def test_a_leaf_with_another_commitment_and_another_place_make_no_framed_receipt(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    anchored = ledger.anchor_batch(ALICE, case, LINES, None)[1]
    row, opening = ledger._store.entry(anchored.index), ledger._store.openings([anchored.index])[anchored.index]
    assert row is not None and opening.secret is not None
    head = ledger._parts.head_covering(row.index)
    held = commit_fields(opening.secret, json.loads(opening.fields))
    other = commit_fields(opening.secret, {"file.name": "another.txt"})
    frame = frame_receipt(held, opening.secret)
    entry = (row.index, row.leaf, held.commitment, frame)
    assert build_framed_receipts(ledger._parts, [entry], head) == [anchored.receipt]
    with pytest.raises(CorruptError, match="do not give the leaf's commitment"):
        build_framed_receipts(ledger._parts, [(row.index, row.leaf, other.commitment, frame)], head)
    for index, leaf in ((row.index - 1, row.leaf), (row.index, row.leaf[:-1] + b" "), (row.index + 9, row.leaf)):
        with pytest.raises(CorruptError, match="does not give the signed root"):
            build_framed_receipts(ledger._parts, [(index, leaf, held.commitment, frame)], head)


def test_other_fields_than_those_in_the_leaf_make_no_receipt(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "t").case
    anchored = ledger.anchor(ALICE, case, statement(), None, None, None)
    row, opening = ledger._store.entry(anchored.index), ledger._store.openings([anchored.index])[anchored.index]
    assert row is not None and opening.secret is not None
    head = ledger._parts.head_covering(row.index)
    fields = {"file.name": "another.txt"}
    with pytest.raises(CorruptError, match="do not give the leaf's commitment"):
        build_first_receipt(ledger._parts, row, opening, commit_fields(opening.secret, fields), head)
    moved = row._replace(index=row.index - 1)
    held = commit_fields(opening.secret, json.loads(opening.fields))
    assert build_first_receipt(ledger._parts, row, opening, held, head) == anchored.receipt
    with pytest.raises(CorruptError, match="does not give the signed root"):
        build_first_receipt(ledger._parts, moved, opening, held, head)
