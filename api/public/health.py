"""For those who watch the server: does it live, can it work, how much does it do."""

from __future__ import annotations

from flask import Response

from api.openapi.operation import Answer, Content, Resource
from api.wire.answer import JSON, json_answer, text_answer
from api.wire.problem import UNAVAILABLE, problem
from api.wire.services import Services

HEALTH = Resource("health", is_public=True)

_RETRY_SECONDS = 5


@HEALTH.operation("GET", "/healthz", "Is the process alive?", Answer(200, "Yes.", Content(JSON, "Alive")))
def is_alive(services: Services) -> Response:
    """Asks nothing of the database: an answer means that the process need not be restarted."""
    return json_answer({"status": "alive"})


@HEALTH.operation(
    "GET",
    "/readyz",
    "Can it work?",
    Answer(200, "Yes.", Content(JSON, "Ready")),
    problems=(503,),
)
def is_ready(services: Services) -> Response:
    """503 names, in `missing`, all that is wrong."""
    missing = services.ledger.readiness()
    if missing:
        return problem(
            UNAVAILABLE,
            "not ready: " + "; ".join(missing),
            more={"missing": missing},
            headers={"Retry-After": str(_RETRY_SECONDS)},
        )
    return json_answer({"status": "ready"})


@HEALTH.operation(
    "GET",
    "/metrics",
    "Counters",
    Answer(200, "Prometheus' text format.", Content("text/plain", {"type": "string"})),
    problems=(503,),
)
def get_metrics(services: Services) -> Response:
    """Requests by route, and the ledger's state. No name, case or number is in it."""
    return text_answer(services.metrics.text(), services.metrics.content_type)
