"""`make demo`: the story of an evidence ledger on real files, from anchoring to a tampered bundle that is refused.

Everything goes through the two commands that people use; nothing is staged. Exits with 1 when anything is not as told.
"""
