"""Keys at rest: one file each in `DATA/keys`, readable by the operator's account alone, never in the database."""
