"""The operator's clock steps back and forward, by a year: it is never believed, and nothing depends on its going on.

Leaves carry what it said (never forced to grow: DESIGN's contradiction is for the reader to see); our ML-DSA line's
time never runs back; timestamps, keys and terms neither stop for a year nor fall due by mistake for good.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.commit.note_slots import newest_note
from ledger.entry.canonical_json import parse
from ledger.entry.leaf import parse_leaf, parse_time
from ledger.note.checkpoint import check_checkpoint
from ledger.note.cosignature import check_cosignature
from ledger.note.signed_note import parse_note
from ledger.store.sql_store import SqlStore
from ledger.upkeep.fsck import fsck
from tests.crashes.submissions import anchor, leaf_hash
from tests.crashes.told import Told, check_told
from tests.ledger.making import ALICE, MovedClock, make_log, opened, signer_of, statement

YEAR_MS = 366 * 24 * 3600 * 1000
STEPS = (0, YEAR_MS, -YEAR_MS, 0, -5_000, YEAR_MS)
ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def leaf_time(receipt: bytes) -> int:
    """Milliseconds."""
    parsed = parse(receipt, where="receipt")
    assert isinstance(parsed, dict)
    return parse_time(parse_leaf(str(parsed["leaf"]).encode()).time)


@pytest.mark.parametrize("restart", [False, True])
def test_leaves_say_what_the_clock_said_and_signatures_never_run_back(
    tmp_path: Path, database_url: str, restart: bool
) -> None:
    clock = MovedClock()
    settings = make_log(tmp_path / "data", database_url)
    told, ledger = Told.of(settings), Ledger.open(settings, clock=clock)
    case = ledger.open_case(ALICE, "Clocks").case
    for n, step in enumerate(STEPS):
        if restart:
            ledger.close()
            ledger = Ledger.open(settings, clock=MovedClock(step))
        clock.offset_ms = step
        anchored = anchor(ledger, case, f"1-1-{n}")
        told.answered(f"1-1-{n}", anchored)
        assert abs(leaf_time(anchored.receipt) - (time.time_ns() // 1_000_000 + step)) < 60_000
    ledger.close()
    check_signed_seconds(settings.database, told)
    check_told(settings, told)
    assert list(fsck(settings)) == []


def check_signed_seconds(database: str, told: Told) -> None:
    """The ML-DSA line's time of every checkpoint, told or stored, in the order of sizes, never runs back."""
    notes = {size: note for (size, _), note in told.checkpoints.items()}
    store = SqlStore.open(database)
    newest = store.newest_checkpoint()
    assert newest is not None
    notes |= dict((*store.checkpoints(), newest))
    store.close()
    found = []
    for _, note in sorted(notes.items()):
        check_checkpoint(note, told.vkeys)
        parsed, key = parse_note(note), told.vkeys[1]
        (line,) = (each for each in parsed.signatures if (each.name, each.key_id) == (key.name, key.key_id))
        found.append(check_cosignature(parsed.text, line, key))
    assert len(found) > 3
    assert found == sorted(found)


def test_timestamps_go_on_whichever_way_the_clock_stepped(tmp_path: Path) -> None:
    """Also after a step to before the embedded authority's certificate began, at which it rightly stamps nothing."""
    clock = MovedClock()
    settings = make_log(tmp_path / "data", tsa_interval=1)
    with opened(settings, clock=clock) as ledger:
        ledger.start()
        case = ledger.open_case(ALICE, "Clocks").case
        for n, step in enumerate((0, YEAR_MS, 0, -YEAR_MS, 0)):
            clock.offset_ms = step
            index = anchor(ledger, case, f"1-1-{n + 1}").index
            if step < 0:
                until(lambda: ledger._timestamping.status()[0].failures > 0)
            else:
                until(lambda index=index: (ledger._timestamping.status()[0].stamped_size or 0) > index)  # type: ignore[misc]
    assert list(fsck(settings)) == []


def test_a_key_is_forgotten_by_the_clock_and_an_entry_never(tmp_path: Path, database_url: str) -> None:
    """A clock that steps a year ahead may cost a repetition its answer: it becomes a new entry, and nothing is lost.
    One that steps back keeps keys longer.
    """
    clock = MovedClock()
    settings = make_log(tmp_path / "data", database_url)
    with opened(settings, clock=clock) as ledger:
        case = ledger.open_case(ALICE, "Clocks").case
        first = anchor(ledger, case, "1-1-1")
        store = ledger._store
        clock.offset_ms = -YEAR_MS
        assert store.forget_replays(clock.now_ms() - settings.keep_keys_days * 86_400_000) == 0
        assert anchor(ledger, case, "1-1-1").replayed
        clock.offset_ms = YEAR_MS
        assert store.forget_replays(clock.now_ms() - settings.keep_keys_days * 86_400_000) == 1
        again = anchor(ledger, case, "1-1-1")
        assert (again.replayed, again.index) == (False, first.index + 1)
        clock.offset_ms = 0
        assert anchor(ledger, case, "1-1-1").index == again.index
    told = Told(signer_of(settings).vkeys)
    told.answers = {each.number: (each.number, leaf_hash(each.receipt)) for each in (first, again)}
    check_told(settings, told)
    assert list(fsck(settings)) == []


SCRIPT = """
import sys
from pathlib import Path
from ledger.assembly import Ledger
from ledger.config import load_settings
from tests.ledger.making import ALICE, statement
ledger = Ledger.open(load_settings(Path(sys.argv[1]), {"extract": False}, {}))
anchored = ledger.anchor(ALICE, sys.argv[2], statement(int(sys.argv[3])), None, None, "k" + sys.argv[3])
ledger.close()
print(anchored.number, anchored.time)
"""


def test_a_real_process_whose_machine_is_years_off(tmp_path: Path) -> None:
    """faketime, where it is installed, moves every clock of the process. The waits inside must not be among them."""
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("faketime is not installed; the steps above move the program's own clock")
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Clocks").case
    told = Told.of(settings)
    for n, when in enumerate(("2031-05-05 12:00:00", "2019-01-01 00:00:00", "2026-01-01 00:00:00")):
        command = [faketime, when, sys.executable, "-c", SCRIPT, str(settings.data), case, str(n)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "TZ": "UTC"}
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[1].startswith(when[:10]), done.stdout
        told.served(newest_note((settings.kept / "kept-checkpoint").read_bytes()))
    with opened(settings) as ledger:
        for n in range(3):
            assert ledger.anchor(ALICE, case, statement(n), None, None, f"k{n}").replayed
    check_signed_seconds(settings.database, told)
    assert list(fsck(settings)) == []
