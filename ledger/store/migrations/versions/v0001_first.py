"""The first tables, and the triggers that keep the past from being rewritten."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EMPTY_ROOT = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
_APPEND_ONLY = ("entries", "tiles", "checkpoints")


def upgrade() -> None:
    _make_log()
    _make_projections()
    for table in _APPEND_ONLY:
        _forbid_rewriting(table)


def _bytes(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), primary_key=key, nullable=False)


def _int(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _big, primary_key=key, autoincrement=False, nullable=False)


def _small(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.SmallInteger(), primary_key=True, autoincrement=False, nullable=False)


def _text(name: str, length: int | None = None, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _make_log() -> None:
    head = op.create_table("log_head", _small("id"), _int("size"), _bytes("root"), _bytes("frontier"))
    op.bulk_insert(head, [{"id": 1, "size": 0, "root": _EMPTY_ROOT, "frontier": b""}])
    op.create_table("entries", _int("idx", key=True), _bytes("chain"), _int("seq"), _text("kind", 128), _bytes("leaf"))
    op.create_index("entries_chain_seq", "entries", ["chain", "seq"], unique=True)
    op.create_table("openings", _int("idx", key=True), _bytes("secret"), _bytes("fields"))
    op.create_table("chains", _bytes("chain", key=True), _int("length"), _int("acts"), _int("idx"), _bytes("leaf_hash"))
    op.create_table("tiles", _small("level"), _int("idx", key=True), _bytes("hashes"))
    op.create_table("checkpoints", _int("size", key=True), _bytes("note"))
    op.create_table("published", _small("id"), _int("size"))
    op.create_table(
        "idempotency",
        _text("account", 64, key=True),
        _text("key", 80, key=True),
        _int("idx"),
        _bytes("mac"),
        _int("at"),
    )
    op.create_index("idempotency_at", "idempotency", ["at"])


def _make_projections() -> None:
    op.create_table("cases", _bytes("chain", key=True), _text("title"), _text("opener", 64), _int("idx"))
    op.create_table(
        "members",
        _bytes("chain", key=True),
        _text("account", 64, key=True),
        _text("role", 16),
        _text("side", 80),
        _int("idx"),
    )
    op.create_index("members_account", "members", ["account", "chain"])
    op.create_table(
        "evidence",
        _int("idx", key=True),
        _bytes("chain"),
        _text("account", 64),
        _bytes("sha256"),
        _int("size"),
        sa.Column("stored", sa.Boolean(), nullable=False),
    )
    op.create_index("evidence_sha256", "evidence", ["sha256"])
    op.create_table("timestamps", _int("idx", key=True), _text("authority", 64), _int("size"), _int("gen_time"))
    op.create_index("timestamps_authority_size", "timestamps", ["authority", "size"])
    op.create_index("timestamps_authority_idx", "timestamps", ["authority", "idx"])


def _forbid_rewriting(table: str) -> None:
    """A guard against mistakes at a console. Whoever may drop a trigger is caught by fsck, witnesses and verifiers."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_rewriting BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    )
