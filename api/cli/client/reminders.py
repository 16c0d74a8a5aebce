"""`reminders`: what waits for you, in all of your cases."""

from __future__ import annotations

from api.cli import PROGRAM
from api.cli.client.service import Service, json_object
from api.cli.output import json_result, message, result
from api.cli.parsing import command, json_option, server_options

NO_TERM = "-"


@command(
    "reminders",
    short_help="List what waits for you, the nearest term first.",
    example=f"{PROGRAM} reminders\n{PROGRAM} reminders --json",
)
@json_option
@server_options
def reminders(as_json: bool, server: str, token: str | None) -> None:
    """Print what waits for you in all of your cases: demands that your side is to answer; for a court, demands that
    wait for its ruling; requests for standing that you may rule on.

    On each line the id, the evidence's number, the end of the term, and how urgent it is: due, soon (less than three
    days), overdue, or waiting, which has no term.
    """
    with Service(server, token) as service:
        answer = service.get("/reminders")
    if as_json:
        json_result(answer.content)
        return
    found = json_object(answer)["items"]
    for each in found:
        result(each["subject"], each["number"], each["due_at"] or NO_TERM, each["level"])
    if not found:
        message("nothing waits for you")
