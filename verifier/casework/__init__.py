"""What people did with evidence, read from proven entries alone (docs/spec/casework.md)."""
