"""`python -m benchmarks`: run them, show them, keep the result."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks import bulk, casework, digests, fsck, http_anchor, proofs, single, verification
from benchmarks.comparison import Outcome, SkippedError
from benchmarks.record import ROOT, describe_machine, describe_revision, describe_versions, write_result
from benchmarks.scale import Scale
from benchmarks.table import format_outcome

Measure: TypeAlias = Callable[[Scale, Path], Outcome]

BENCHMARKS: Final[dict[str, Measure]] = {
    "bulk-sqlite": bulk.measure_sqlite,
    "bulk-postgres": bulk.measure_postgres,
    "single": single.measure,
    "http-1": http_anchor.measure_one_client,
    "http-32": http_anchor.measure_many_clients,
    "http-batch": http_anchor.measure_batch,
    "digests": digests.measure,
    "proofs": proofs.measure,
    "fsck": fsck.measure,
    "verification": verification.measure,
    "casework": casework.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also where a benchmark was skipped with its reason."""
    options = _parse(arguments)
    scale = Scale(options.quick)
    header = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": scale.quick,
        "revision": describe_revision(),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    _show_header(header)
    begun = time.monotonic()
    outcomes = [_run(name, scale) for name in options.only or BENCHMARKS]
    path = write_result(options.results, header | {"seconds": round(time.monotonic() - begun, 1)}, outcomes)
    print(f"{time.monotonic() - begun:.0f} s; written to {path}")
    return 0


def _run(name: str, scale: Scale) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evidence-bench-") as folder:
        try:
            outcome = BENCHMARKS[name](scale, Path(folder))
        except SkippedError as reason:
            outcome = Outcome(name, "not measured", skipped=str(reason))
    print(format_outcome(outcome), flush=True)
    return replace(outcome, seconds=time.monotonic() - begun)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The ledger beside its bare peers.")
    parser.add_argument("--quick", action="store_true", help="a minute or two in all, rough figures")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", metavar="DIR")
    return parser.parse_args(arguments)


def _show_header(header: dict[str, object]) -> None:
    for name, value in header.items():
        words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{name:9} {words}")
    print(
        "medians of interleaved rounds; ÷ c: the ratio to contender c, median of the rounds' own ratios\n", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
