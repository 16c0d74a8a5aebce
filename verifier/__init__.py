"""The offline verifier: checks a bundle or receipt with code of its own and trusts nobody but its user."""

__version__ = "0.1.0"
