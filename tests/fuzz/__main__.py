"""Hunt for as long as there is time: `python -m tests.fuzz [--target NAME] [--seconds N] [--seed N] [--try FILE]`."""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.hunt import Find, attempt, hunt
from tests.fuzz.seeds import make_seeds
from tests.fuzz.targets import TARGETS

FOUND = Path(".cache/fuzz")


def main() -> int:
    """Exit status 1 where something was found; the input is kept, and how to try it again is printed."""
    asked = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Feed the parsers with nearly right bytes."
    )
    asked.add_argument("--target", action="append", choices=tuple(TARGETS), help="which (repeatable); default: all")
    asked.add_argument("--seconds", type=float, default=30.0, help="for each target; default 30")
    asked.add_argument("--seed", type=int, default=None, help="for the same inputs again; default: new ones each time")
    asked.add_argument("--try", dest="file", type=Path, help="one kept input, with one --target")
    options = asked.parse_args()
    if options.file is not None and len(options.target or ()) != 1:
        asked.error("--try goes with one --target")
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder:
        seeds = make_seeds(Path(folder))
        if options.file is not None:
            print("accepted" if attempt(TARGETS[options.target[0]], options.file.read_bytes(), seeds) else "refused")
            return 0
        failed = False
        for name in options.target or TARGETS:
            hunted = hunt(TARGETS[name], seeds, random.Random(seed), inputs=sys.maxsize, seconds=options.seconds)
            print(f"{name:20} {hunted.inputs:9,} inputs, {hunted.accepted:9,} accepted, seed {seed}", flush=True)
            if hunted.find is not None:
                _keep(hunted.find)
                failed = True
    return int(failed)


def _keep(find: Find) -> None:
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{find.target}-{hashlib.sha256(find.data).hexdigest()[:16]}"
    path.write_bytes(find.data)
    traceback.print_exception(find.error)
    print(f"kept; try it again: python -m tests.fuzz --target {find.target} --try {path}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
