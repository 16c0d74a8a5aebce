"""Lists that the server hands out in pages."""

from __future__ import annotations

from typing import Any, Final

from api.cli.client.service import Service
from api.cli.failures import CommandError

CURSOR: Final = "next"


def all_pages(service: Service, path: str, member: str) -> dict[str, Any]:
    """The body of GET `path` with the list `member` of all pages in one. Raises as `Service.get`, and CommandError."""
    body = _page(service, path, member, None)
    rows: list[Any] = body[member]
    seen: set[str] = set()
    while cursor := body.get(CURSOR):
        if str(cursor) in seen:
            raise CommandError(f"listing {member}: the server gives the same page again and again")
        seen.add(str(cursor))
        body = _page(service, path, member, str(cursor))
        rows += body[member]
    return {**body, member: rows}


def _page(service: Service, path: str, member: str, cursor: str | None) -> dict[str, Any]:
    answer = service.get(path, {} if cursor is None else {"after": cursor})
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get(member), list):
        raise CommandError(f"listing {member}: the server's answer holds no list of them")
    return body
