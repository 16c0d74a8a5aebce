"""`python -m benchmarks.growth`: grow, ask at each power of ten, say what holds and what 10⁸ would cost."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.comparison import Outcome, SkippedError
from benchmarks.growth.asking import ask
from benchmarks.growth.growing_log import GrowingLog, anchor_alone
from benchmarks.growth.report import Mark, format_alone, format_marks, shape_mark
from benchmarks.growth.storage import Stored, measure_stored
from benchmarks.postgres import name_of, start_postgres
from benchmarks.record import ROOT, describe_machine, describe_revision, describe_versions, write_result

REFERENCE: Final = 10_000

ALONE: Final = 4_096
"""Entries anchored one by one, to see what a commit of one takes of the disk: of few, tables' first pages are most."""

BYTES_EACH: Final = 2_000
"""What an entry may take of the disk, at most, with write-ahead log and room to spare: asked for before the first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one database's three logs go, each with its URL: None is SQLite."""

    name: str
    folder: Path
    grown: str | None = None
    reference: str | None = None
    alone: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also where an aim is missed or the time ran out. It measures, it does not judge."""
    options = _parse(arguments)
    begun = time.monotonic()
    deadline = begun + options.minutes * 60
    header: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "entries": options.entries,
        "revision": describe_revision(),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    outcomes: list[Outcome] = []
    shaped: dict[str, list[dict[str, Any]]] = {}
    alones: dict[str, dict[str, float]] = {}
    for database in options.only or ("sqlite", "postgres"):
        with ExitStack() as stack:
            try:
                place = _place(database, options.folder, stack)
                _check_room(place, options.entries)
                marks = _grow(place, options.entries, options.requests, deadline, outcomes)
            except SkippedError as reason:
                print(f"{database}: skipped: {reason}\n", flush=True)
                outcomes.append(Outcome(f"growth-{database}", "not measured", skipped=str(reason)))
                continue
            alone = _store_alone(place)
            shaped[place.name] = [shape_mark(mark) for mark in marks]
            alones[place.name] = {"bytes": alone.each, "ratio": alone.ratio}
            print(f"\n{format_marks(place.name, marks)}\n{format_alone(alone)}\n", flush=True)
    seconds = round(time.monotonic() - begun, 1)
    path = write_result(options.results, header | {"seconds": seconds, "growth": shaped, "alone": alones}, outcomes)
    print(f"{seconds:.0f} s; written to {path}")
    return 0


def _place(database: str, folder: Path | None, stack: ExitStack) -> Place:
    if folder is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evidence-growth-")))
    folder = folder / database
    folder.mkdir(parents=True, exist_ok=True)
    if database == "sqlite":
        return Place("SQLite", folder)
    server = start_postgres(stack)
    # This server ends with the run: what a folder remembers of an earlier one is worth nothing.
    shutil.rmtree(folder)
    folder.mkdir()
    return Place(name_of(server), folder, *(server.url(server.create_database()) for _ in range(3)))


def _check_room(place: Place, entries: int) -> None:
    free, wanted = shutil.disk_usage(place.folder).free, entries * BYTES_EACH
    if free < wanted:
        raise SkippedError(f"{entries:,} entries may take {wanted >> 30} GiB, and {free >> 30} GiB are free")


def _grow(place: Place, entries: int, requests: int, deadline: float, outcomes: list[Outcome]) -> list[Mark]:
    def say(words: str) -> None:
        print(f"  {place.name}: {words}", flush=True)

    grown = GrowingLog(place.folder / "grown", place.grown)
    reference = GrowingLog(place.folder / "reference", place.reference)
    reference.grow(REFERENCE, say, deadline)
    marks: list[Mark] = []
    size = REFERENCE
    while size <= entries:
        begun, before = time.monotonic(), grown.size()
        if not grown.grow(size, say, deadline):
            say(f"the time is over before {size:,} entries")
            break
        rate = max(0, size - before) / (time.monotonic() - begun)
        if grown.size() < 10 * size:  # a resumed log is past its earlier marks
            title = f"{size:,} entries on {place.name}"
            outcome = ask(f"growth-{size}", title, grown.data, reference.data, requests)
            marks.append(Mark(size, rate, measure_stored(grown.settings), outcome))
            outcomes.append(outcome)
            say(f"{size:,} entries measured")
        size *= 10
    return marks


def _store_alone(place: Place) -> Stored:
    """What entries take that were anchored one by one."""
    log = GrowingLog(place.folder / "alone", place.alone)
    before = measure_stored(log.settings)
    anchor_alone(log.settings, ALONE)
    return measure_stored(log.settings).since(before)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="What a log costs as it grows.")
    parser.add_argument("--entries", type=int, default=1_000_000, help="how far to grow, a power of ten from 10,000 on")
    parser.add_argument("--folder", type=Path, help="keep the SQLite logs here, and go on from them next time")
    parser.add_argument("--only", action="append", choices=("sqlite", "postgres"))
    parser.add_argument("--requests", type=int, default=150, help="of each kind, in each round")
    parser.add_argument("--minutes", type=float, default=600.0, help="grow no further after that")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", metavar="DIR")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
