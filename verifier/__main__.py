"""`python -m verifier`: the program `evidence-verify`."""

import sys

from verifier.cli import main

if __name__ == "__main__":
    sys.exit(main())
