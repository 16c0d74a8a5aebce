"""The client's commands: they reach a ledger through HTTP alone."""
