"""The HTTP API, on a real ledger."""
