"""An append-only ledger of electronic evidence.

Each submission becomes one *leaf* of a Merkle log (RFC 6962) and one link of its case's *chain*; it comes back as a
*receipt* that anyone can check without this software and without trusting its operator. The log holds commitments;
people hold the openings.

The rooms, lowest first (each imports only downward):

    ledger.entry, ledger.merkle, ledger.note    pure: bytes in, values out, no clock, no disk
    ledger.store, ledger.blobs, ledger.keys     what is kept
    ledger.extract                              metadata out of files, in a process of its own
    ledger.commit, attest, prove, notify        the log; others' word on it; proofs; messages
    ledger.submit, ledger.casework              from a request to an entry; the rules of a case
    ledger.upkeep                               what looks at all of it: fsck, backup, erase
    ledger.assembly, ledger.workers             where the concrete parts meet
"""
