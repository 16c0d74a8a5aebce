"""The OpenAPI 3.1 document, out of the operations and the schemas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from api.openapi.operation import Answer, Content, Operation, Parameter, Resource
from api.openapi.schemas import SCHEMAS
from api.wire.problem import KINDS, MEDIA_TYPE

_TITLES = {kind.status: f"{kind.title}. {kind.meaning}" for kind in KINDS}


def build_document(resources: Sequence[Resource], public_url: str | None) -> dict[str, Any]:
    """The document that describes all of `resources`, and nothing else."""
    paths: dict[str, dict[str, Any]] = {}
    for resource in resources:
        for operation in resource.operations:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, resource.name)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Evidence ledger",
            "version": version("evidence-ledger"),
            "description": "Anchor electronic evidence, and prove to anybody, offline, that it has not changed since.",
        },
        "servers": [{"url": public_url or "/"}],
        "tags": [{"name": resource.name} for resource in resources],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, tag: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "description": operation.meaning,
        "tags": [tag],
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "security": [] if operation.is_public else [{"token": []}],
        "responses": {**_answers(operation.answers), **{str(s): _problem(s) for s in operation.all_problems}},
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _answers(answers: Iterable[Answer]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for answer in answers:
        described: dict[str, Any] = {"description": answer.meaning}
        if answer.content is not None:
            described["content"] = _content(answer.content)
        if answer.headers:
            described["headers"] = {
                name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in answer.headers.items()
            }
        found[str(answer.status)] = described
    return found


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _TITLES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _content(content: Content) -> dict[str, Any]:
    schema = content.schema
    named = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else dict(schema)
    described: dict[str, Any] = {"schema": named}
    if content.example is not None:
        described["example"] = content.example
    return {content.media_type: described}
