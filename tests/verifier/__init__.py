"""Tests of the offline verifier."""
