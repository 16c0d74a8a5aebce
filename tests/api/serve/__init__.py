"""Real server processes."""
