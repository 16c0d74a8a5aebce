"""A writer over a store whose calls can be made to fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ledger.commit.pool import Pool
from ledger.commit.prepared import Prepared, ReplayKey, new_chain
from ledger.commit.sequencer import Sequencer
from ledger.config import Settings
from ledger.note.signed_note import parse_note
from ledger.store.contracts import LogWriter
from ledger.store.sql_store import SqlStore
from ledger.upkeep.fsck import fsck
from tests.ledger.making import MovedClock, note_entry, signer_of

CASE = new_chain()


class FaultyStore:
    """A real store whose next call of one kind fails: before it did anything ("lost"), or after ("applied")."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.faults: dict[str, tuple[str, Exception]] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self.faults:
            return method

        def failing(*args: Any) -> Any:
            when, error = self.faults.pop(name)
            if when == "applied":
                method(*args)
            raise error

        return failing

    @contextmanager
    def writing(self) -> Iterator[LogWriter]:
        when, error = self.faults.pop("writing", ("", None))
        if error is None:
            with self._store.writing() as writer:
                yield writer
        elif when == "applied":
            with self._store.writing() as writer:
                yield writer
            raise error
        else:
            with pytest.raises(ZeroDivisionError), self._store.writing() as writer:
                yield writer
                raise ZeroDivisionError  # rolls back
            raise error


class Rig:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = SqlStore.open(settings.database)
        self.faulty = FaultyStore(self.store)
        self.pool = Pool(capacity=100)
        self.signer = signer_of(settings)
        self.writer = Sequencer(self.faulty, self.signer, MovedClock(), self.pool)  # type: ignore[arg-type]  # delegates
        self.writer.start()

    def close(self) -> None:
        self.writer.close()
        self.store.close()

    def settle(self) -> None:
        deadline = time.monotonic() + 10
        while self.writer.trouble is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.writer.trouble is None

    def check(self, entries: int) -> None:
        """All is sound, and signed, kept and served are the same tree."""
        assert self.store.head().size == entries + 1  # and entry 0
        served = self.store.published()
        assert served is not None and served[0] == entries + 1
        kept = self.signer.kept.read()
        assert kept is not None and parse_note(kept).text == parse_note(served[1]).text
        assert list(fsck(self.settings)) == []


def keyed(key: str) -> Prepared:
    return note_entry(CASE, replay=ReplayKey("alice", key, b"request"))
