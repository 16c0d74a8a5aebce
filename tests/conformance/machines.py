"""A ledger on a machine of its own, as its operator knows it: folders, a database, and the real commands on them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.auth.accounts import AccountStore
from ledger.config import load_settings
from ledger.store.sql_store import SqlStore
from ledger.upkeep.fsck import fsck
from tests.api.cli.running import ServedLedger, fail, succeed
from tests.ledger.making import ALICE, Copies, opened, statement

ORIGIN = "ledger.example/court"


@dataclass
class Machine:
    """`data` and `kept`: its folders; `database`: a URL, or None for the file in `data`."""

    data: Path
    kept: Path
    database: str | None = None

    def init(self) -> Machine:
        """Make a log: 1 entry."""
        words = [] if self.database is None else ["--database", self.database]
        succeed("init", "--data", self.data, "--origin", ORIGIN, "--kept", self.kept, *words)
        return self

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'ledger.db'}"

    def grow(self, count: int) -> None:
        """`count` entries more, the first of which opens a case."""
        with opened(load_settings(self.data, {"extract": False}, {})) as ledger:
            case = ledger.open_case(ALICE, "A case").case
            if count > 1:
                ledger.anchor_batch(ALICE, case, [statement(n) for n in range(count - 1)], None)

    def token(self, name: str) -> str:
        """A new party's token."""
        accounts = AccountStore.open(self.url)
        try:
            return accounts.add(name, "party").token
        finally:
            accounts.close()

    def size(self) -> int:
        """Entries in the database."""
        store = SqlStore.open(self.url)
        try:
            return store.head().size
        finally:
            store.close()

    def checkpoint(self, size: int) -> bytes:
        """The signed checkpoint of this size, out of the database."""
        store = SqlStore.open(self.url)
        try:
            note = store.checkpoint(size)
        finally:
            store.close()
        assert note is not None
        return note

    def leaf(self, index: int) -> bytes:
        """The leaf at this index."""
        store = SqlStore.open(self.url)
        try:
            return store.leaves(index, index + 1)[0]
        finally:
            store.close()

    def serves(self) -> None:
        """A server starts on it, and what it left is sound."""
        with ServedLedger(self.data):
            pass
        assert self.findings() == []

    def refuses(self, *words: str | Path) -> str:
        """What a server says that does not start."""
        return fail(1, "serve", "--data", self.data, "--port", "0", *words)

    def findings(self) -> list[str]:
        """What fsck finds, and the checkpoints that it shows."""
        return [
            f"{each.where}: {each.what}\n{''.join(each.evidence)}" for each in fsck(load_settings(self.data, {}, {}))
        ]

    def roll_back_database(self, meanwhile: Callable[[], None], copies: Copies) -> None:
        """The database as it was before `meanwhile`; the folders stay as they are after it."""
        older = copies.database(self.url, self.data.parent / "older.db")
        meanwhile()
        if self.database is None:
            shutil.copyfile(self.data.parent / "older.db", self.data / "ledger.db")
        else:
            config = self.data / "config.toml"
            config.write_text(config.read_text().replace(self.database, older))
            self.database = older


class Visitor:
    """An account's program: calls of HTTP, without the cost of a process for each."""

    def __init__(self, served: ServedLedger, token: str) -> None:
        self._api = f"{served.url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    def open_case(self) -> httpx.Response:
        return self._call("POST", "/cases", json={"title": "A case"})

    def cases(self) -> set[str]:
        return {each["case"] for each in self._call("GET", "/cases").json()["items"]}

    def anchor(self, case: str, data: bytes) -> httpx.Response:
        parts = {"statement": (None, b"{}", "application/json"), "file": ("file.txt", data)}
        return self._call("POST", f"/cases/{case}/evidence", files=parts)

    def bundle(self, number: str) -> bytes:
        return self._call("GET", f"/evidence/{number}/bundle").content

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, self._api + path, headers=self._headers, timeout=60, trust_env=False, **more)
