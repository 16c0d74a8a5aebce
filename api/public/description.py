"""The API's own description: for programs, and for people."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import Response

from api.openapi.document import build_document
from api.openapi.operation import Answer, Content, Resource
from api.openapi.page import POLICY, render_page
from api.wire.answer import JSON, text_answer
from api.wire.headers import OPEN_TO_ALL
from api.wire.services import Services

_CACHE = "public, max-age=60"


def make_description(resources: Sequence[Resource]) -> Resource:
    """The resource that describes `resources` and itself."""
    description = Resource("description", is_public=True)
    every = (*resources, description)

    @description.operation(
        "GET", "/openapi.json", "This document", Answer(200, "OpenAPI 3.1.", Content(JSON, {"type": "object"}))
    )
    def get_openapi(services: Services) -> Response:
        """Every address of this server, and all that it answers."""
        document = build_document(every, services.settings.public_url)
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text_answer(text, JSON, {"Cache-Control": _CACHE, **OPEN_TO_ALL})

    @description.operation(
        "GET",
        "/docs",
        "The API for people",
        Answer(200, "One page without scripts.", Content("text/html", {"type": "string"})),
    )
    def get_docs(services: Services) -> Response:
        """The same as openapi.json, to be read."""
        document = build_document(every, services.settings.public_url)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": _CACHE}
        return text_answer(render_page(document), "text/html; charset=utf-8", headers)

    return description
