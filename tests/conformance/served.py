"""A ledger served by `evidence-ledger serve`, with people who speak to it over HTTP and nothing else."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.auth.accounts import AccountStore
from ledger.config import Settings, load_settings
from ledger.upkeep.initialise import initialise
from tests.api.cli.running import ServedLedger
from verifier.server import Server

ORIGIN = "ledger.test/evidence"
API = "/api/v1"
PEOPLE: Mapping[str, str] = {
    "aigul": "party",
    "bekova": "counsel",
    "temir": "party",
    "sot": "court",
    "hatshy": "clerk",
    "zhanna": "party",
    "root": "operator",
}
"""Account → its role. aigul opens cases; bekova is on the other side, temir a third, sot the court, hatshy the clerk;
zhanna and root are in no case."""

MEMBERS = (("bekova", "opposing"), ("temir", "third"), ("sot", "court"), ("hatshy", "clerk"))
Members = dict[str, bytes]


@dataclass
class Town:
    """A served ledger and its people: each call is HTTP with somebody's token. `seen`: every answer that came back to
    whom, if `recording`.
    """

    data: Path
    served: ServedLedger
    tokens: Mapping[str, str]
    seen: list[tuple[str | None, str, httpx.Response]] = field(default_factory=list)
    recording: bool = False
    # One for all: each client of its own reads the machine's certificates. Nothing is kept open over a restart.
    client: httpx.Client = field(
        default_factory=lambda: httpx.Client(
            timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
    )

    @property
    def log(self) -> bytes:
        """What the server has said on stdout and stderr."""
        return (self.data / "serve.log").read_bytes()

    def call(self, who: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; `who` None: without a token."""
        headers = {
            **more.pop("headers", {}),
            **({} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}),
        }
        url = self.served.url + path
        answer = self.client.request(method, url, headers=headers, **more)
        if self.recording:
            self.seen.append((who, f"{method} {path}", answer))
        return answer

    def get(self, who: str | None, path: str, status: int = 200) -> Any:
        """The JSON at a path below /api/v1."""
        answer = self.call(who, "GET", f"{API}/{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, who: str | None, path: str, body: object = None, status: int = 201) -> Any:
        """The JSON that a post below /api/v1 is answered with."""
        answer = self.call(who, "POST", f"{API}/{path}", **({} if body is None else {"json": body}))
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    def open_case(self, members: Iterable[tuple[str, str]] = MEMBERS, title: str = "Ахметов v. Сейтқали") -> str:
        """A case of aigul's with these members."""
        case = str(self.post("aigul", "cases", {"title": title})["case"])
        for user, role in members:
            self.post("aigul", f"cases/{case}/members", {"user": user, "role": role})
        return case

    def anchor(self, who: str, case: str, data: bytes, name: str, statement: object) -> dict[str, Any]:
        """The answer to a file's submission."""
        files = {"statement": (None, json.dumps(statement).encode()), "file": (name, data)}
        answer = self.call(who, "POST", f"{API}/cases/{case}/evidence", files=files)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def bundle(self, who: str, number: str) -> bytes:
        """The evidence's bundle as this person gets it, without the file."""
        answer = self.call(who, "GET", f"{API}/evidence/{number}/bundle?file=false")
        assert answer.status_code == 200, answer.text
        return answer.content

    def server(self, who: str, url: str | None = None) -> Server:
        """The verifier's own client, with this person's token."""
        return Server(url or self.served.url, self.tokens[who], 60.0)

    def trust(self, folder: Path) -> Path:
        """The trust folder as the operator states it, handed over before the quarrel."""
        answer = self.call(None, "GET", "/trust.zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(folder)
        return folder


def make_town(data: Path, people: Mapping[str, str] = PEOPLE, **options: object) -> tuple[Settings, dict[str, str]]:
    """A new ledger in `data` with accounts: its settings and their tokens. Not served yet."""
    settings = load_settings(data, {"origin": ORIGIN, **options}, {})
    initialise(settings)
    accounts = AccountStore.open(settings.database)
    try:
        return settings, {name: accounts.add(name, role).token for name, role in people.items()}
    finally:
        accounts.close()


@contextmanager
def serving(data: Path, tokens: Mapping[str, str]) -> Iterator[Town]:
    """`evidence-ledger serve` on the ledger in `data`."""
    with ServedLedger(data) as served:
        town = Town(data, served, tokens)
        try:
            yield town
        finally:
            town.client.close()


def members_of(bundle: bytes) -> Members:
    """A bundle's members, by name."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
