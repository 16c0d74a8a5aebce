"""Serving the ledger over HTTP: gunicorn, one process with threads (more than one only on PostgreSQL).

serve         settings → a server that runs until it is told to stop
log_lines     how its log is written
worker        one process: a loop that waits for clients, threads that work on requests, and how both stop
arrival       what has come of a request before a thread takes it
connection    a client's connection, and how long it may take
crew          the threads
answering     from a parsed request to its answer on the wire
refusal       what a request gets that cannot be parsed
body          a client's faults while its body is read
"""

from api.serve.server import serve

__all__ = ["serve"]
