"""What leaves the ledger for others to check: proofs, receipts, bundles. See docs/spec/bundle.md.

Nothing here decides who may see what: the caller names the fields to open. Every proof is checked by the same code that
a reader would use before it is handed out.
"""
