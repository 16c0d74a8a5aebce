"""Mirrors benchmarks/peers/."""
