"""Alembic's entry: runs the migrations on the connection that SqlStore hands in, inside its transaction."""

from alembic import context

from ledger.store import schema

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=schema.metadata)
context.run_migrations()
