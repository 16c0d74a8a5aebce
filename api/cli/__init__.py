"""The command line `evidence-ledger`: the operator's commands and the client's.

    api.cli.operator    works on the folder DATA of a ledger on this machine
    api.cli.client      works through HTTP, on any ledger

Results stand alone on stdout, one a line; everything said to people goes to stderr. Exit status: 0 done, 1 failed,
2 used wrongly. What a user can cause never shows a traceback.
"""

from __future__ import annotations

from typing import Final

PROGRAM: Final = "evidence-ledger"


def main(argv: list[str] | None = None) -> int:
    """Run one command. `argv`: the words after the program's name, sys.argv's by default. Returns the exit status."""
    try:
        # Imported here, so that Ctrl-C during the slow part of the start is met below too.
        from api.cli.program import run

        return run(argv)
    except KeyboardInterrupt:
        return 1
