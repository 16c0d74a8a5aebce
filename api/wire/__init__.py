"""Between HTTP and the ledger: strict bodies, pages, streams in constant memory, and one shape for every error."""
