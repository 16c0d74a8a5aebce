"""`python -m benchmarks.peers`: run the comparisons, show what holds, keep the result."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.comparison import Outcome, SkippedError
from benchmarks.peers import appending, auditing, libraries, proving, submitting
from benchmarks.peers.aims import Aim, Row, format_rows, judge
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram, build_program
from benchmarks.record import ROOT, describe_machine, describe_revision, describe_versions, write_result
from benchmarks.scale import Scale
from benchmarks.table import format_outcome

_BROKEN: Final = "broke off: "

Measure: TypeAlias = Callable[[Site, Path], Outcome]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What runs in turn, and the rows that it gives."""

    measure: Measure
    aims: Sequence[Aim]


COMPARISONS: Final[Mapping[str, Comparison]] = {
    "append-sqlite": Comparison(appending.measure_sqlite, appending.AIMS_SQLITE),
    "append-postgres": Comparison(appending.measure_postgres, appending.AIMS_POSTGRES),
    "http-bulk": Comparison(submitting.measure_bulk, submitting.AIMS_BULK),
    "http-waiting": Comparison(submitting.measure_waiting, submitting.AIMS_WAITING),
    "proofs": Comparison(proving.measure_proofs, proving.AIMS),
    "checks": Comparison(proving.measure_checks, proving.AIMS_CHECKS),
    "audit": Comparison(auditing.measure_all, auditing.AIMS_ALL),
    "audit-tiles": Comparison(auditing.measure_tiles, auditing.AIMS_TILES),
    "libraries": Comparison(libraries.measure, libraries.AIMS),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also where a row was skipped or an aim is missed; 1 where a comparison broke off, and
    then the others have run all the same.
    """
    options = _parse(arguments)
    scale = Scale(options.quick)
    program, absence = _build()
    header = _describe(scale, program)
    begun = time.monotonic()
    outcomes, rows = [], []
    with tempfile.TemporaryDirectory(prefix="evidence-peers-") as folder, ExitStack() as stack:
        site = Site(scale, program, absence, Path(folder), stack)
        for name in options.only or COMPARISONS:
            outcome = _run(name, site)
            print(format_outcome(outcome), flush=True)
            outcomes.append(outcome)
            rows += judge(COMPARISONS[name].aims, outcome, absence)
    seconds = round(time.monotonic() - begun, 1)
    table = format_rows(rows, _heading(header))
    shaped = {"seconds": seconds, "aims": [row.shape() for row in rows]}
    path = write_result(options.results, header | shaped, outcomes)
    path.with_suffix(".md").write_text(f"{table}\n", encoding="utf-8")
    print(f"{table}\n\n{_count(rows)}; {seconds:.0f} s; written to {path} and {path.with_suffix('.md').name}")
    return int(any((outcome.skipped or "").startswith(_BROKEN) for outcome in outcomes))


def _build() -> tuple[TesseraProgram | None, str]:
    try:
        return build_program(), "not measured"
    except SkippedError as reason:
        print(f"Tessera and its fsck are skipped: {reason}\n", flush=True)
        return None, str(reason)


def _run(name: str, site: Site) -> Outcome:
    begun = time.monotonic()
    folder = site.folder / name
    folder.mkdir()
    try:
        outcome = COMPARISONS[name].measure(site, folder)
    except SkippedError as reason:
        outcome = Outcome(name, "not measured", skipped=str(reason))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        outcome = Outcome(name, "not measured", skipped=f"{_BROKEN}{words[-1]}")
    shutil.rmtree(folder)
    return replace(outcome, seconds=time.monotonic() - begun)


def _describe(scale: Scale, program: TesseraProgram | None) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": scale.quick,
        "revision": describe_revision(),
        "machine": describe_machine(),
        "versions": describe_versions() | ({"tessera": program.version} if program else {}),
    }


def _heading(header: Mapping[str, Any]) -> list[str]:
    """What a figure is worth nothing without, and how to take it again."""
    machine, versions, revision = header["machine"], header["versions"], header["revision"]
    commit = f", commit {revision['commit'][:12]}{' and changes' if revision['changed'] else ''}" if revision else ""
    repeat = "make bench-peers QUICK=1" if header["quick"] else "make bench-peers"
    return [
        f"{header['date'][:10]}, {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_mib'] // 1024} GiB, a flush of 4 KiB in {machine['fdatasync_4k_ms']} ms, "
        f"load average {machine['load_average'][0]} at the start; "
        f"Python {versions['python']}, Tessera {versions.get('tessera', 'not at hand')}{commit}. "
        f"Interleaved rounds; each ratio within its round. Repeat: `{repeat}`."
    ]


def _count(rows: Sequence[Row]) -> str:
    verdicts = [row.verdict for row in rows]
    skipped = sum(row.ratio is None for row in rows)
    return f"{verdicts.count(True)} aims hold, {verdicts.count(False)} do not, {skipped} rows skipped"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="The ledger beside its peers.")
    parser.add_argument("--quick", action="store_true", help="two minutes in all, rough figures")
    parser.add_argument("--only", action="append", choices=COMPARISONS, metavar="NAME", help=", ".join(COMPARISONS))
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", metavar="DIR")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
