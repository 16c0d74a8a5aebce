"""The tables' history, run by Alembic through `SqlStore.create`."""
