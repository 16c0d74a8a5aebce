"""Where the log's rows live: SQLite or PostgreSQL, through SQLAlchemy Core.

`contracts` says what the rest of the ledger may rely on; `schema` names the tables; `engine` opens a database in the
one mode in which the promises hold (SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE; PostgreSQL: fsync and
synchronous_commit on, READ COMMITTED); the `sql_*` files are the statements. No other room imports SQLAlchemy.
"""
