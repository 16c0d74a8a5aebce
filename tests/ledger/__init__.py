"""Mirrors ledger/."""
