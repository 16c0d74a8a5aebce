"""Attacks on what leaves the ledger: forgeries, flips, and two implementations that must agree."""
