"""What waits for whoever asks, in all of his cases."""

from __future__ import annotations

from flask import Response, request

from api.openapi.operation import Answer, Content, Resource
from api.v1.casework_views import reminder_json
from api.wire.answer import JSON, json_answer
from api.wire.cursor import check_query
from api.wire.services import Services
from ledger.casework.people import Actor

REMINDERS = Resource("reminders", "/api/v1")


@REMINDERS.operation(
    "GET",
    "/reminders",
    "List what waits for you",
    Answer(200, "The nearest term first; then what has none, oldest first.", Content(JSON, "Reminders")),
    problems=(400,),
)
def list_reminders(services: Services, actor: Actor) -> Response:
    """In all of your cases: demands that your side is to answer, with what is left of their terms; for a case's court,
    demands that were refused, lapsed or answered with not_held; requests for standing that you may rule on. At most 500
    of each."""
    check_query(request, ())
    return json_answer({"items": [reminder_json(each) for each in services.ledger.desk.reminders(actor)]})
