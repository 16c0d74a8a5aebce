"""The served row on PostgreSQL, where an update writes a new row: the table stays a page, however often it moves."""

from __future__ import annotations

from ledger.store.sql_store import SqlStore
from tests.ledger.making import Attacker

UPDATES = 400


def note(size: int) -> bytes:
    """As long as a signed note of the longest origin."""
    return b"text %d\n\n" % size + bytes((size * at) % 251 for at in range(3_990))


def test_the_table_does_not_grow(postgres_url: str) -> None:
    store = SqlStore.create(postgres_url)
    with Attacker(postgres_url) as database:
        for size in range(1, UPDATES):  # within one tile's width and on: rows of the other table are few
            store.save_checkpoint(size, note(size))
        assert store.published() == (UPDATES - 1, note(UPDATES - 1))
        assert database.value("SELECT pg_relation_size('published')") <= 8 * 8_192
        assert database.value("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'published'") == 0
    store.close()
