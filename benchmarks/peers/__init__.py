"""The ledger beside other people's logs and trees, in one run on one machine.

    python -m benchmarks.peers [--quick] [--only NAME …]     # `make bench-peers`; the names are listed by --help

Peers: Tessera 1.0.4 (POSIX files; `tessera/` here is a small Go program on its module, built into `.cache/`), its
`fsck`, transparency-dev/merkle, pymerkle, merkletools, and the bare databases. The same entry bytes, the same
durability (every side syncs before it answers), the same clients. As in `benchmarks`, contenders run in turn and each
ratio is taken within a round. `aims` says which ratio the project set itself. Where Go or its modules cannot be had,
rows are skipped with the reason.
"""
