"""Mirrors benchmarks/growth/."""
