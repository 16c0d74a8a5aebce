"""Mirrors ledger/attest/."""
