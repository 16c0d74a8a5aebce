"""The program `evidence-ledger`, with room for two waiting entries.

The real bound is 20,000: to fill it takes longer than a test may.
"""

from __future__ import annotations

from api import cli
from ledger.commit.pool import Pool

ENTRIES = 2


def main() -> int:
    Pool.__init__.__defaults__ = (ENTRIES,)
    return cli.main()
