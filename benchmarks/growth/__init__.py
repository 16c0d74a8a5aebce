"""What a log costs as it grows: a large log beside a reference of 10,000 entries, on each database.

    python -m benchmarks.growth [--entries N] [--folder DIR] [--only sqlite|postgres]      # `make bench-scale`

At 10⁴, 10⁵, 10⁶ … entries both logs are asked the same by turns, request by request, so that the ratio to the reference
does not drift with the machine; start time and memory come from processes of their own. The log is filled through the
writer that serves, in submissions of 1,000: a case, and 999 pieces of evidence of six fields each, hash-only. With
--folder the SQLite logs are kept, and a run that was interrupted goes on where it stopped. Proofs are made as by a
server that has been up for some minutes, and has read the log's tiles ahead; early ones as right after the start.
"""
