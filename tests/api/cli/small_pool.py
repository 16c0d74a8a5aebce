"""`python -m tests.api.cli.small_pool …`: the program `evidence-ledger`, with room for two waiting entries.

The real bound is 20,000: to fill it takes longer than a test may.
"""

from __future__ import annotations

import sys

from api.cli import main
from ledger.commit.pool import Pool

ENTRIES = 2

if __name__ == "__main__":
    Pool.__init__.__defaults__ = (ENTRIES,)
    sys.exit(main())
