"""Whether the files go into a bundle: the one thing that a bundle's query says."""

from __future__ import annotations

from flask import Request

from api.openapi.operation import Parameter
from api.wire.cursor import check_query
from ledger.errors import MalformedError

WITH_FILE = Parameter(
    "file",
    "query",
    "Whether the files go in. Without them the proof is the same.",
    {"type": "boolean", "default": True},
)


def read_with_file(request: Request) -> bool:
    """The query's `file`, true where it says nothing. Raises MalformedError for anything else in the query."""
    check_query(request, (WITH_FILE.name,))
    wanted = request.args.get(WITH_FILE.name, "true")
    if wanted not in ("true", "false"):
        raise MalformedError("read the query: expected file=true or file=false", f"query.{WITH_FILE.name}")
    return wanted == "true"
