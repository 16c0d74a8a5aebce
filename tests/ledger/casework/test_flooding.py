"""Who floods the record does not keep the other side from carrying away its proof."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ledger.casework import handout
from ledger.casework.custody import Transfer
from ledger.entry.receipt_number import parse_number
from tests.ledger.casework.parties import OPPONENT, anchor_photo, open_case
from tests.ledger.making import ALICE, JUDGE, make_log, opened


def entries_of(data: bytes) -> set[int]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {int(name.split("/")[1]) for name in archive.namelist() if name.startswith("entries/")}


def test_a_flood_of_transfers_crowds_out_no_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handout, "ENTRY_BUNDLE_ACTS", 3)
    with opened(make_log(tmp_path)) as ledger:
        case = open_case(ledger)
        photo = anchor_photo(ledger, case)
        demand = ledger.desk.demand(OPPONENT, photo, fields=["declared.gps"], object="fields", grounds="g").demand
        ledger.desk.refuse(ALICE, demand, "no")
        for n in range(12):
            ledger.desk.transfer_custody(ALICE, photo, Transfer(f"box {n}", "box"))
        courts = ledger.desk.demand(JUDGE, photo, fields=["declared.author"], object="fields", grounds="g").demand

        def carried(actor: object) -> set[int]:
            return entries_of(b"".join(ledger.bundle(actor, photo, False).chunks))  # type: ignore[arg-type]  # an Actor

        refusal = parse_number(demand) + 1
        assert {parse_number(demand), refusal} <= carried(OPPONENT)
        assert parse_number(courts) in carried(JUDGE)
        assert len(carried(OPPONENT) - {parse_number(photo)}) <= 3 + 2  # and the timestamps' own entries
