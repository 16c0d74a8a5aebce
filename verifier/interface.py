"""The ledger's HTTP interface, as far as the opponent's program needs it (docs/spec/casework.md, "HTTP").

What comes back is a statement of the server's. Here it is only given its types; who reads it proves it or shows it as
what the server says.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from http import HTTPStatus

from verifier.container import MAX_MEMBERS, MAX_TOGETHER
from verifier.encoding import BadEncoding, time_us
from verifier.errors import VerifierError
from verifier.evidence import Evidence
from verifier.intake import read_opened
from verifier.receipt_number import BadNumber, index_of
from verifier.server import Server, Unreachable
from verifier.zip_record import MAX_CENTRAL_ENTRY

# All that the zip profile allows outside evidence/, and each member's two headers.
MAX_BUNDLE = MAX_TOGETHER + MAX_MEMBERS * 2 * MAX_CENTRAL_ENTRY


class Contradicted(VerifierError):
    """The server's answer contradicts what it was asked."""


@dataclass(frozen=True)
class StatedDemand:
    """What the server says of a demand; `number` is the evidence's receipt number, the rest is as it came."""

    demand: object
    number: str
    said: dict[str, object]


@dataclass(frozen=True)
class Lodged:
    """A demand that the server says it has recorded: its id, the evidence, the case and the term, as it states them."""

    demand: str
    number: str
    case: str | None
    due_at: str | None


def stated_demand(server: Server, demand: str) -> StatedDemand:
    """What the server says of a demand with a well-formed id; raises Unreachable."""
    path = f"api/v1/demands/{demand}"
    said = server.ask(path)
    return StatedDemand(said.get("demand"), _number(said, "number", path), said)


def fetch_bundle(server: Server, number: str) -> Evidence:
    """The bundle of an entry as the server gives it to this reader.

    Raises Unreachable, and Unreadable or StepFailed(1) as reading any bundle does.
    """
    return _bundle(server, f"api/v1/evidence/{number}/bundle?file=false", "the server's bundle")


def fetch_case_bundle(server: Server, case: str) -> Evidence:
    """The bundle of a whole case, without files where the server can leave them out; raises as fetch_bundle does."""
    path, name = f"api/v1/cases/{case}/bundle", "the server's bundle of the case"
    try:
        return _bundle(server, f"{path}?file=false", name)
    except Unreachable as error:
        if error.status != HTTPStatus.BAD_REQUEST:
            raise
    return _bundle(server, path, name)


def lodge(server: Server, number: str, demanded: str, fields: list[str] | str, grounds: str) -> Lodged:
    """Lodge a demand; raises Unreachable, and Contradicted where the answer is about something else."""
    path = f"api/v1/evidence/{number}/demands"
    asked: dict[str, object] = {"fields": fields, "grounds": grounds, "object": demanded}
    said = server.tell(path, asked)
    demand = _number(said, "demand", path)
    if said.get("number") != number:
        raise Contradicted(f"a demand on {number} was lodged and the server answers with another")
    if index_of(demand) <= index_of(number):
        raise Contradicted(f"the demand's id {demand} should come after {number}, which it is about")
    return Lodged(demand, number, _text(said, "case"), _moment(said, "due_at"))


def ask_standing(server: Server, number: str, code: str, role: str) -> str | None:
    """Ask for standing; returns the request's id, None where the server says the account is admitted.

    Raises Unreachable, and Contradicted where the answer is neither.
    """
    path = f"api/v1/evidence/{number}/standing"
    said = server.tell(path, {"code": code, "role": role})
    state = said.get("state")
    if said.get("standing") is None and state == "admitted":
        return None
    if state != "asked":
        raise Contradicted("standing was asked for and the server answers with another state")
    return _number(said, "standing", path)


def _bundle(server: Server, path: str, name: str) -> Evidence:
    with tempfile.TemporaryFile() as file:
        length = server.download(path, file, MAX_BUNDLE)
        file.seek(0)
        return read_opened(file, length, name)


def _number(said: dict[str, object], name: str, path: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise Unreachable(f"the answer to {path} has no {name}")
    try:
        index_of(value)
    except BadNumber as error:
        raise Unreachable(f"the {name} in the answer to {path}: {error}") from None
    return value


def _text(said: dict[str, object], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None


def _moment(said: dict[str, object], name: str) -> str | None:
    text = _text(said, name)
    try:
        return text if text is not None and time_us(text) is not None else None
    except BadEncoding:
        return None
