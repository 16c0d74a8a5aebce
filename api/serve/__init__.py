"""Serving the ledger over HTTP: gunicorn, one process with threads (more than one only on PostgreSQL).

serve     settings → a server that runs until it is told to stop
worker    how one process stops, how long it waits for a client, and what it says to a request it cannot parse
body      a client's faults while its body is read
"""

from api.serve.server import serve

__all__ = ["serve"]
