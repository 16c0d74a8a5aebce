"""A test client that holds every answer to its description.

Each answer's status, media type and body must stand in /openapi.json under the operation that gave it, a body's
members exactly; every 4xx and 5xx must be a problem; every answer must carry the security headers. So no test can meet
an answer that callers were not told of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class DescribedClient(FlaskClient):
    """Flask's client; `document` is filled by whoever makes it."""

    document: Mapping[str, Any]

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        check_answer(self.document, response)
        return response


def check_answer(document: Mapping[str, Any], response: TestResponse) -> None:
    """Raises AssertionError for an answer that the document does not describe."""
    for name, value in HEADERS.items():
        assert response.headers.get(name) == value, f"{name}: {response.headers.get(name)}"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"]
    if response.status_code >= 400:
        check_problem(document, response)
    operation = find_operation(document, response.request.path, response.request.method)
    if operation is None:
        assert response.status_code in (400, 404, 405), response.status
        return
    described = operation["responses"].get(str(response.status_code))
    if described is None:
        # A Host that is none is refused before any operation is found.
        assert response.status_code == 400 and response.get_json(force=True)["where"] == "host", response.status
        return
    for media_type, content in described.get("content", {}).items():
        if media_type in (response.mimetype, "*/*"):
            if response.mimetype == "application/json":
                check_value(document, content["schema"], response.get_json(), response.request.path)
            return
    raise AssertionError(f"{response.request.path}: {response.status_code} as {response.mimetype} is not described")


def check_problem(document: Mapping[str, Any], response: TestResponse) -> None:
    """Raises AssertionError unless the answer is a problem of RFC 9457 about its own status."""
    assert response.mimetype == "application/problem+json", response.mimetype
    body = response.get_json(force=True)
    check_value(document, {"$ref": "#/components/schemas/Problem"}, body, "problem")
    assert body["status"] == response.status_code
    assert body["detail"] and body["title"]
    assert re.fullmatch(r"/docs#[a-z-]+", body["type"])


def find_operation(document: Mapping[str, Any], path: str, method: str) -> Mapping[str, Any] | None:
    """The operation that serves a path, the most literal one first, as Flask chooses."""
    method = "get" if method == "HEAD" else method.lower()
    for template in sorted(document["paths"], key=lambda text: text.count("{")):
        operation = document["paths"][template].get(method)
        pattern = re.escape(template).replace(r"\{index\}", ".+")
        if operation is not None and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", pattern), path):
            return operation  # type: ignore[no-any-return]  # the document is JSON
    return None


def check_value(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, where: str) -> None:
    """The part of JSON Schema that the document uses. Raises AssertionError."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        check_value(document, document["components"]["schemas"][name], value, f"{where}<{name}>")
        return
    if "anyOf" in schema:
        assert any(_fits(document, each, value) for each in schema["anyOf"]), f"{where}: {value!r} fits none"
    if "const" in schema:
        assert value == schema["const"], where
    if "enum" in schema:
        assert value in schema["enum"], where
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(_is(kind, value) for kind in kinds), f"{where}: expected {kinds}, got {value!r}"
    if "pattern" in schema and isinstance(value, str):
        assert re.search(schema["pattern"], value), f"{where}: {value!r}"
    if isinstance(value, dict):
        _check_object(document, schema, value, where)
    if isinstance(value, list) and "items" in schema:
        for at, item in enumerate(value):
            check_value(document, schema["items"], item, f"{where}[{at}]")


def _fits(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> bool:
    try:
        check_value(document, schema, value, "")
    except AssertionError:
        return False
    return True


def _check_object(document: Mapping[str, Any], schema: Mapping[str, Any], value: dict[str, Any], where: str) -> None:
    properties = schema.get("properties", {})
    assert set(schema.get("required", ())) <= value.keys(), f"{where}: got only {sorted(value)}"
    for name, member in value.items():
        if name in properties:
            check_value(document, properties[name], member, f"{where}.{name}")
        else:
            assert schema.get("additionalProperties", True) is not False, f"{where}: {name} is not described"


def _is(kind: str, value: Any) -> bool:
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    expected = {"string": str, "integer": int, "array": list, "object": dict}[kind]
    return isinstance(value, expected) and not isinstance(value, bool)
