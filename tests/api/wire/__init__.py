"""Between HTTP and the ledger."""
