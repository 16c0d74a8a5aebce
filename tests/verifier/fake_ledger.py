"""A ledger of a few entries behind a real HTTP server that polices the protocol, and lies when a test tells it to.

It is written from docs/spec/casework.md alone. What a client does against the protocol is collected in `complaints`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.verifier.log_forge import (
    CHAIN,
    ED25519,
    ML_DSA,
    ForgedEntry,
    ForgedLog,
    anchored_fields,
    number,
    write_trust,
)
from tests.verifier.test_online import resources
from tests.verifier.zip_forge import bundle

TOKEN = "a-token.of~test+letters"
CODE = "K7-4411"
DUE = "2024-04-01T00:00:00.000Z"
EXTRACTED = {
    "extracted__author": "Serik",
    "extracted__created_at": "2023-01-02T03:04:05.000Z",
    "extracted__gps__lat": "43.2",
    "extracted__gps__lon": "76.9",
    "extracted__version": None,
}
_STATES = {"disclose": "ordered", "uphold-refusal": "upheld"}
Members = dict[str, bytes]


@dataclass(frozen=True)
class Reply:
    """What the server answers: a body, or pieces of one that are sent as they come; `length` False: not announced."""

    body: bytes | Iterable[bytes]
    status: int = 200
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status)


class FakeLedger:
    """One case with two pieces of evidence. Acts are appended by methods; `opened`: the evidence's open names."""

    def __init__(self, folder: Path, **fields: Any) -> None:
        self.folder = folder
        self.log = ForgedLog()
        self.log.append("case.opened", fields={"case.title": "case"})
        self.evidence: ForgedEntry = self.log.append(
            "evidence.anchored", fields=anchored_fields(**{**EXTRACTED, **fields})
        )
        self.other: ForgedEntry = self.log.append("evidence.anchored", fields=anchored_fields(b"another"))
        self.trust = write_trust(folder / "trust", ED25519, ML_DSA)
        self.opened: set[str] = {"submitter.name"}
        self.acts: list[ForgedEntry] = []
        self.states: dict[int, str] = {}
        self.about: dict[int, int] = {}
        self.closed: dict[int, set[str]] = {}
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tamper: Callable[[Members], Members] = lambda members: members
        self.lie: Callable[[str, Reply], Reply] = lambda path, reply: reply
        self.stated_number: str | None = None
        # Entries that the evidence's bundle leaves out, and that the case's does; whether this knows `file=false`.
        self.hidden, self.withheld, self.knows_file = set[int](), set[int](), True

    @property
    def number(self) -> str:
        return number(self.evidence.index)

    # ---- acts

    def act(self, kind: str, evidence: int | None = None, closed: Iterable[str] = (), **fields: Any) -> ForgedEntry:
        """An entry about the evidence (or the entry at another index); dots in names are written __."""
        values = {name.replace("__", "."): value for name, value in fields.items()}
        about = self.evidence.index if evidence is None else evidence
        values = {"submitter.name": "someone", "relation.entry": about, **values}
        entry: ForgedEntry = self.log.append(kind, CHAIN, fields={k: v for k, v in values.items() if v is not ...})
        self.acts.append(entry)
        self.about[entry.index] = about
        self.closed[entry.index] = set(closed)
        return entry

    def demand(self, fields: Any, evidence: int | None = None, object: str = "fields", **changes: Any) -> ForgedEntry:
        members = {
            "demand__object": object,
            "demand__fields": fields,
            "demand__grounds": "no date is shown",
            "demand__due_at": DUE,
            "demand__due_basis": "the court's usual term",
        }
        entry = self.act("metadata.demanded", evidence, **{**members, **changes})
        self.states[entry.index] = "asked"
        return entry

    def answer(self, demand: ForgedEntry, kind: str, fields: Iterable[str] = (), **changes: Any) -> ForgedEntry:
        self.states[demand.index] = kind
        self.opened |= set(fields)
        members = {"answer__kind": kind, "answer__fields": sorted(fields), "answer__text": None}
        return self.act(
            "metadata.disclosed", relation__demand=demand.index, **{"relation__produced": None, **members, **changes}
        )

    def refuse(self, demand: ForgedEntry, reason: str = "a secret protected by law", **changes: Any) -> ForgedEntry:
        self.states[demand.index] = "refused"
        return self.act("demand.refused", **{"relation__demand": demand.index, "answer__reason": reason, **changes})

    def rule(self, demand: ForgedEntry, order: str, fields: Iterable[str] = (), reason: str = "ruled") -> ForgedEntry:
        self.states[demand.index] = _STATES[order]
        members = {"ruling__order": order, "ruling__fields": sorted(fields), "ruling__reason": reason}
        return self.act("demand.ruled", relation__demand=demand.index, **members)

    def lapse(self, demand: ForgedEntry) -> ForgedEntry:
        self.states[demand.index] = "lapsed"
        return self.act("demand.lapsed", relation__demand=demand.index, demand__due_at=DUE)

    def erase(self, *names: str, order: str = "order 7 of the court of Almaty") -> ForgedEntry:
        return self.act("opening.erased", erasure__fields=sorted(names), erasure__order=order)

    # ---- what it hands out

    def members(self, *, checkpoint: bytes | None = None, evidence: ForgedEntry | None = None) -> Members:
        """The bundle's members: the evidence with its open names, and every act about it."""
        subject = evidence or self.evidence
        acts = [act for act in self.acts if self.about[act.index] == subject.index and act.index not in self.hidden]
        members = self.log.members(subject, *acts, checkpoint=checkpoint)
        return self._close(members, (subject, *acts))

    def _close(self, members: Members, entries: Iterable[ForgedEntry]) -> Members:
        for entry in entries:
            for position, opening in enumerate(entry.openings):
                name = json.loads(opening)[0]
                hidden = name in self.closed[entry.index] if entry in self.acts else name not in self.opened
                if position and hidden:
                    del members[f"entries/{entry.index}/fields/{position}.json"]
        return members

    def bundle(self) -> bytes:
        return bundle(self.members(), number=self.number)

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        self.requests.append(f"{method} {path}")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            self.complaints.append(f"no right token for {path}")
            return problem(401, "who are you")
        parts = path.strip("/").split("/")
        if method == "POST" and parts[:3] == ["api", "v1", "evidence"]:
            return self._told(parts, headers, body)
        if method == "GET" and parts[:3] == ["api", "v1", "demands"] and len(parts) == 4:
            return self._stated(parts[3])
        if method == "GET" and path == f"/api/v1/evidence/{parts[3] if len(parts) > 3 else ''}/bundle?file=false":
            return self._bundle(parts[3])
        if method == "GET" and parts[:3] == ["api", "v1", "cases"]:
            return self._case_bundle(path)
        found = self._tile(path.lstrip("/"))
        if method == "GET" and found is not None:
            return Reply(found, media="application/octet-stream")
        return problem(404, "there is no such thing")

    def _tile(self, path: str) -> bytes | None:
        """A resource of the log as it is, or a narrower tile of its lowest levels than the log now has."""
        found = resources(self.log).get(path)
        if found is None and (match := re.fullmatch(r"tile/(0|entries)/(\d{3})\.p/(\d+)", path)):
            leaves = [len(leaf).to_bytes(2, "big") + leaf for leaf in self.log.leaves]
            start, width = 256 * int(match[2]), int(match[3])
            parts = (self.log.hashes if match[1] == "0" else leaves)[start : start + width]
            found = b"".join(parts) if len(parts) == width else None
        if found is None and not path.startswith("tile/"):
            self.complaints.append(f"{path} is not of the protocol")
        return found

    def _stated(self, id: str) -> Reply:
        entry = next((entry for entry in self.log_entries() if number(entry.index) == id), None)
        if entry is None:
            return problem(404, "there is no such demand")
        fields = {json.loads(opening)[0]: json.loads(opening)[2] for opening in entry.openings}
        return json_reply(
            {
                "demand": id,
                "number": self.stated_number or number(self.about.get(entry.index, self.evidence.index)),
                "case": "case",
                "state": self.states.get(entry.index, "asked"),
                "object": fields.get("demand.object"),
                "fields": fields.get("demand.fields"),
                "grounds": fields.get("demand.grounds"),
                "due_at": fields.get("demand.due_at"),
                "by": fields.get("submitter.name"),
                "events": [],
            }
        )

    def log_entries(self) -> list[ForgedEntry]:
        return [self.evidence, self.other, *self.acts]

    def _bundle(self, stated: str) -> Reply:
        subject = next((entry for entry in self.log_entries() if number(entry.index) == stated), None)
        if subject is None:
            return problem(404, "there is no such evidence")
        members = self.tamper(self.members(evidence=subject))
        return Reply(bundle(members, number=stated), media="application/zip")

    def _case_bundle(self, path: str) -> Reply:
        known = [f"/api/v1/cases/{CHAIN}/bundle", f"/api/v1/cases/{CHAIN}/bundle?file=false"]
        if path not in known:
            self.complaints.append(f"{path} is not of the protocol")
        if path == known[1] and not self.knows_file:
            return problem(400, "file is not known here")
        entries = [entry for entry in self.log_entries() if entry.index not in self.withheld]
        members = self._close(self.log.members(*entries), entries)
        return Reply(bundle(members, case=CHAIN), media="application/zip")

    def _told(self, parts: list[str], headers: Any, body: bytes) -> Reply:
        if headers.get("Content-Type") != "application/json" or len(parts) != 5:
            self.complaints.append("a POST should be JSON")
        told = json.loads(body)
        subject = next((entry for entry in self.log_entries() if number(entry.index) == parts[3]), None)
        if subject is None:
            return problem(404, "there is no such evidence")
        if parts[4] == "standing":
            return self._standing(told)
        if parts[4] != "demands" or told.keys() != {"fields", "grounds", "object"}:
            self.complaints.append(f"a demand should have fields, grounds and object, not {sorted(told)}")
        fields, demanded = told["fields"], told["object"]
        well_formed = fields == "all" or (isinstance(fields, list) and fields == sorted(set(fields)))
        if not well_formed or (fields == []) != (demanded != "fields") or not told["grounds"]:
            self.complaints.append(f"the demand is malformed: {told}")
        entry = self.demand(fields, subject.index, demanded, demand__grounds=told["grounds"])
        answer = {"demand": number(entry.index), "number": parts[3], "case": "2-16525/2015", "due_at": DUE, "more": 1}
        return json_reply(answer, 201)

    def _standing(self, told: dict[str, Any]) -> Reply:
        if told.keys() != {"code", "role"} or told["role"] not in ("opposing", "third"):
            self.complaints.append(f"the request for standing is malformed: {told}")
        if told.get("code") != CODE:
            return problem(403, "the code is not right")
        asked = self.act("standing.asked", member__name="me", member__role=told["role"])
        return json_reply({"standing": number(asked.index), "state": "asked"}, 201)


def problem(status: int, title: str) -> Reply:
    return replace(json_reply({"title": title, "status": status}, status), media="application/problem+json")


@contextmanager
def serving(ledger: FakeLedger) -> Iterator[str]:
    """The ledger at a URL; on leaving, whatever the client did against the protocol fails the test."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = ledger.lie(self.path, ledger.handle(self.command, self.path, self.headers, body))
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.media)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            pieces = [reply.body] if isinstance(reply.body, bytes) else reply.body
            if isinstance(reply.body, bytes) and reply.length and "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            try:
                self.end_headers()
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:  # the client has hung up, as it should on what never ends
                self.close_connection = True

        do_GET = do_POST = respond

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert ledger.complaints == []
