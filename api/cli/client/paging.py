"""Lists that the server hands out in pages."""

from __future__ import annotations

from typing import Any, Final

from api.cli.client.service import Service, json_object
from api.cli.failures import CommandError

PAGE_ITEMS: Final = 500
"""As many as the server gives at once: fewer requests."""


def all_pages(service: Service, path: str) -> dict[str, Any]:
    """The body of GET `path` with the items of all pages in one. Raises as `Service.get`, and CommandError."""
    body = _page(service, path, None)
    items: list[Any] = body["items"]
    seen: set[str] = set()
    while cursor := body.get("next"):
        if str(cursor) in seen:
            raise CommandError("listing: the server gives the same page again and again")
        seen.add(str(cursor))
        body = _page(service, path, str(cursor))
        items += body["items"]
    return {**body, "items": items}


def _page(service: Service, path: str, cursor: str | None) -> dict[str, Any]:
    asked = {"limit": str(PAGE_ITEMS)}
    body = json_object(service.get(path, asked if cursor is None else {**asked, "cursor": cursor}))
    if not isinstance(body.get("items"), list):
        raise CommandError("listing: the server's answer holds no items")
    return body
