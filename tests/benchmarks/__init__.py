"""The benchmarks measure; these see that they run."""
