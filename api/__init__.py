"""What people and programs reach the ledger through: HTTP, pages and the command line."""
