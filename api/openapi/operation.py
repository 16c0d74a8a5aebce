"""One operation: method, path, handler, and what it takes and answers (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from flask import Response

Handler: TypeAlias = Callable[..., Response]
"""Public: (services, **path). Others: (services, actor, **path)."""

Method: TypeAlias = Literal["GET", "POST"]

Schema: TypeAlias = Mapping[str, Any]

# What any call with a token may meet.
_OF_USERS: Final = (401, 503)
_OF_ALL: Final = (500,)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, query or header. `spans`: it covers several segments of the path."""

    name: str
    place: Literal["path", "query", "header"]
    meaning: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    spans: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its media type, its schema (by name, or given), in words, an example."""

    media_type: str
    schema: str | Schema
    meaning: str = ""
    example: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int
    meaning: str
    content: Content | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A route. `problems`: statuses of problem+json besides those that every call of its sort may meet."""

    method: Method
    path: str
    handler: Handler
    summary: str
    meaning: str
    is_public: bool
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...]
    body: Content | None
    problems: tuple[int, ...]

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        spans = {parameter.name for parameter in self.parameters if parameter.spans}
        return re.sub(r"{(\w+)}", lambda m: f"<path:{m[1]}>" if m[1] in spans else f"<{m[1]}>", self.path)

    @property
    def all_problems(self) -> tuple[int, ...]:
        """Every status of problem+json that this operation may answer."""
        return tuple(sorted({*self.problems, *_OF_ALL, *(() if self.is_public else _OF_USERS)}))


class Resource:
    """A group of operations under one heading, collected by decorating their handlers."""

    def __init__(self, name: str, prefix: str = "", *, is_public: bool = False) -> None:
        self.name = name
        self.operations: list[Operation] = []
        self._prefix = prefix
        self._is_public = is_public

    def operation(
        self,
        method: Method,
        path: str,
        summary: str,
        *answers: Answer,
        parameters: tuple[Parameter, ...] = (),
        body: Content | None = None,
        problems: tuple[int, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Register a handler. Its docstring is the description that callers of the API read."""

        def register(handler: Handler) -> Handler:
            meaning = " ".join((handler.__doc__ or "").split())
            self.operations.append(
                Operation(
                    method,
                    self._prefix + path,
                    handler,
                    summary,
                    meaning,
                    self._is_public,
                    answers,
                    parameters,
                    body,
                    problems,
                )
            )
            return handler

        return register
