"""The API of members, under /api/v1: one file for each resource. A view asks the ledger, and says it in JSON."""
