"""How fast the ledger is, beside the barest thing that could do the same work on the same machine in the same minute.

    python -m benchmarks [--quick] [--only NAME …]     # `make bench`; the names are listed by --help

Figures drift with the machine and with whatever else it does, so none is a threshold. Contenders run in turn, A B A B,
and each ratio is taken within a round: what slows one slows the other. Read the ratios; use the figures to see what is
possible. Every result is written to `benchmarks/results/<UTC>.json` with the machine, the versions and the revision.
"""
