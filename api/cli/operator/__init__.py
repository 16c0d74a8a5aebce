"""The operator's commands: they work on DATA, a ledger's folder on this machine."""
