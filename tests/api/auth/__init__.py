"""Accounts, tokens, names."""
