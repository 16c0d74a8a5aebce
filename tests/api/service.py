"""A real ledger behind the application, with people in it, and a picture of everything that is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, inspect, select, table
from werkzeug.test import TestResponse

from api.app import create_app
from api.auth.accounts import AccountStore
from api.settings import HttpSettings
from ledger.assembly import Ledger
from ledger.config import Settings, load_settings
from ledger.upkeep.initialise import initialise
from tests.api.described import DescribedClient

ORIGIN = "test.example/ledger"
BOUNDARY = "form-boundary-7MA4YWxk"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Stored:
    """All that may grow when something is stored: the tables' row counts, the checkpoint, the files below DATA."""

    rows: dict[str, int]
    checkpoint: bytes | None
    files: frozenset[str]


@dataclass
class Service:
    """The application, the ledger below it, and its accounts."""

    settings: Settings
    ledger: Ledger
    accounts: AccountStore
    app: Flask
    tokens: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, role: str = "party") -> str:
        """An account; returns its name."""
        if name not in self.tokens:
            self.tokens[name] = self.accounts.add(name, role).token
        return name

    def call(self, who: str | None, method: str, path: str, **more: Any) -> TestResponse:
        """A call with the token of `who`; None: without one."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {self.tokens[who]}")
        return self.app.test_client().open(path, method=method, headers=headers, **more)

    def get(self, who: str | None, path: str, **more: Any) -> TestResponse:
        return self.call(who, "GET", path, **more)

    def post(self, who: str | None, path: str, **more: Any) -> TestResponse:
        return self.call(who, "POST", path, **more)

    def open_case(self, who: str, title: str = "Ахметов v. Сейтқали") -> str:
        answer = self.post(who, "/api/v1/cases", json={"title": title})
        assert answer.status_code == 201, answer.get_data()
        return str(answer.get_json()["case"])

    def admit(self, who: str, case: str, user: str, role: str) -> TestResponse:
        return self.post(who, f"/api/v1/cases/{case}/members", json={"user": user, "role": role})

    def anchor(
        self,
        who: str | None,
        case: str,
        data: bytes | None,
        statement: object = None,
        *,
        name: str = "contract.pdf",
        key: str | None = None,
        raw_statement: bytes | None = None,
    ) -> TestResponse:
        said = raw_statement if raw_statement is not None else json.dumps(statement or {}).encode()
        parts = [Part("statement", said)] + ([] if data is None else [Part("file", data, name)])
        return self.post(
            who,
            f"/api/v1/cases/{case}/evidence",
            data=form(parts),
            content_type=FORM_TYPE,
            headers={} if key is None else {"Idempotency-Key": key},
        )

    def stored(self) -> Stored:
        """Everything that is stored now."""
        with self.ledger.engine.connect() as connection:
            names = sorted(set(inspect(connection).get_table_names()) - {"account_tokens", "accounts"})
            rows = {
                name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names
            }
        files = {str(path) for path in self.settings.blobs.rglob("*") if path.is_file()}
        return Stored(rows, self.ledger.checkpoint(), frozenset(files))


@dataclass(frozen=True)
class Part:
    """One part of a form, as it is sent. `head`: further header lines."""

    name: str
    data: bytes
    file_name: str | None = None
    head: str = ""


def form(parts: list[Part], *, closed: bool = True) -> bytes:
    """A multipart body with BOUNDARY; without its closing boundary if it is not `closed`."""
    chunks = []
    for part in parts:
        named = "" if part.file_name is None else f'; filename="{part.file_name}"'
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part.name}"{named}\r\n{part.head}\r\n'
        chunks += [head.encode("utf-8", "surrogateescape"), part.data, b"\r\n"]
    return b"".join(chunks) + (f"--{BOUNDARY}--\r\n".encode() if closed else b"")


@contextmanager
def running_service(data: Path, options: dict[str, object] | None = None) -> Iterator[Service]:
    """A new ledger in `data` and the application over it. Without the work beside the flow: no timestamps come."""
    settings = load_settings(data, {"origin": ORIGIN, **(options or {})}, {})
    initialise(settings)
    ledger = Ledger.open(settings)
    try:
        accounts = AccountStore(ledger.engine)
        app = create_app(ledger, accounts, HttpSettings.of(settings))
        document = json.loads(app.test_client().get("/openapi.json").get_data())
        app.test_client_class = type("Client", (DescribedClient,), {"document": document})
        yield Service(settings, ledger, accounts, app)
    finally:
        ledger.close()


def hash_only(data: bytes, name: str = "contract.pdf", **more: object) -> dict[str, object]:
    """A statement about a file that stays at home."""
    return {
        "name": name,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "sha512": hashlib.sha512(data).hexdigest(),
        **more,
    }
