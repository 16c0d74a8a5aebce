"""The power fails at any moment: blobs, the kept checkpoint and the SQLite database, together as they lie in DATA.

A real writer is recorded while it starts, anchors files, digests and batches from three threads, and ends. For moments
all along the record the model (tests.crashes.power_loss) gives states in which the disk may be found; each is put in
the place of DATA, started, and looked at: what had been acknowledged by then is there, every file that an entry names
is whole, the checkpoint that was kept is the old one or the new one, every served checkpoint is consistent with what is
served now, and `fsck` finds nothing. PostgreSQL keeps its own files; what it promises is tested by killing it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.errors import LedgerError
from ledger.upkeep.fsck import fsck
from tests.crashes.campaign import Campaign, begin
from tests.crashes.file_record import CALLS, OPTIONS, Operation, read_record
from tests.crashes.nursery import nursery
from tests.crashes.power_loss import HOWS, Disk, put
from tests.crashes.submissions import submit
from tests.crashes.system_calls import demand_strace, traced
from tests.crashes.told import Told, check_told
from tests.ledger.making import ALICE, opened

STATES = int(os.environ.get("EVIDENCE_FAULT_STATES", "20"))


@dataclass
class Recorded:
    """A run: what it did to files, and what had been told, and lay on the disk, before it."""

    campaign: Campaign
    operations: list[Operation]
    telling: str
    folder: Path
    before: dict[str, bytes | None]

    def states(self, moments: Collection[int], chance: random.Random, *, ignore_syncs: bool = False) -> Iterator[Told]:
        """Have the power fail after each of these operations: DATA is then what the disk may hold. Gives what had been
        told by then.
        """
        put(self.before, self.folder)
        disk = Disk.of(self.folder, ignore_syncs=ignore_syncs)
        told = deepcopy(self.campaign.told)
        hows = cycle(HOWS)
        for at, operation in enumerate(self.operations):
            if operation.path == self.telling:
                for line in operation.data.decode().splitlines():
                    told.take(line)
            elif (operation.path + "/").startswith(f"{self.folder}/"):
                disk.carry_out(operation)
            if at in moments:
                put(disk.after_power_loss(next(hows), chance), self.folder)
                yield told


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    demand_strace()
    home = tmp_path_factory.mktemp("power")
    folder = home / "data"
    with nursery() as writers:
        # Just below a full tile, so that one is written while it is recorded.
        campaign = begin(folder, f"sqlite:///{folder / 'ledger.db'}", writers, threads=3, already=240)
        campaign.start_again()
        before = Disk.of(folder).after_power_loss("everything", random.Random())
        order = replace(campaign.next_order(), count=10, alone=True)
        seen = traced(writers, order, calls=CALLS, more=OPTIONS)
    assert seen.status == 0
    yield Recorded(campaign, read_record(seen.lines, home), order.telling, folder, before)


def start_and_look(settings: Settings, told: Told) -> None:
    """What was told holds; and the log goes on."""
    with opened(settings) as ledger:
        assert submit(ledger, next(iter(ledger.cases(ALICE, -1, 1))).case, "0-98-1")
    check_told(settings, told)
    assert list(fsck(settings)) == []


def moments(recorded: Recorded, count: int) -> set[int]:
    """So many of the record's operations, the last one among them: the whole way along it."""
    last = len(recorded.operations) - 1
    return {last * n // count for n in range(1, count + 1)}


@pytest.mark.timeout(1_800)
def test_whatever_the_disk_holds_nothing_acknowledged_is_missing(recorded: Recorded) -> None:
    settings, chance = recorded.campaign.settings, random.Random(20261121)
    tried, answers = 0, set()
    rounds = -(-STATES // len(recorded.operations))
    for _ in range(rounds):
        for told in recorded.states(moments(recorded, STATES // rounds), chance):
            start_and_look(settings, told)
            tried += 1
            answers.add(len(told.answers))
    assert tried >= min(STATES, len(recorded.operations)) // 2
    assert len(answers) > min(5, tried // 4)  # the moments lie between acknowledgements, not before or after all
    print(f"{tried} states of {len(recorded.operations)} operations, {len(answers)} different sets of answers")


def test_the_model_finds_a_program_that_does_not_sync(recorded: Recorded) -> None:
    """Its counter-example: the same record, with every sync taken for nothing. Then entries must be lost."""
    found = []
    for told in recorded.states(moments(recorded, 12), random.Random(7), ignore_syncs=True):
        try:
            start_and_look(recorded.campaign.settings, told)
        except (AssertionError, LedgerError) as error:
            found.append(str(error))
    assert len(found) > 3, found


def test_the_record_is_of_what_matters(recorded: Recorded) -> None:
    """Blobs, kept checkpoint, database and its log, each written, synced and, where it is new, named."""
    done = {(each.call, Path(each.path).suffix if "ledger.db" in each.path else Path(each.path).name[:6]) for each in
            recorded.operations}  # fmt: skip
    assert {("write", ".db-wal"), ("fdatasync", ".db-wal"), ("write", ".db"), ("fdatasync", ".db")} <= done
    assert {("write", "kept-c"), ("fdatasync", "kept-c"), ("link", ".incom"), ("fdatasync", ".incom")} <= done
    assert {each.call for each in recorded.operations} >= {"mkdir", "unlink", "create", "fsync"}
