"""The first tables, and the triggers that keep the past from being rewritten."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EMPTY_ROOT = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
_APPEND_ONLY = ("entries", "tiles", "checkpoints")
_ERASABLE = {
    "openings": ("secret", "fields", "kept"),
    "evidence": ("sha256", "size"),
    "links": ("target",),
    "idempotency": ("mac",),
}


def upgrade() -> None:
    _make_log()
    _make_projections()
    _make_casework()
    for table in _APPEND_ONLY:
        _forbid_rewriting(table)
    _forbid_sampling()


def _bytes(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), primary_key=key, nullable=False)


def _int(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _big, primary_key=key, autoincrement=False, nullable=False)


def _small(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.SmallInteger(), primary_key=True, autoincrement=False, nullable=False)


def _text(name: str, length: int | None = None, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _maybe_int(name: str) -> sa.Column[Any]:
    return sa.Column(name, _big, autoincrement=False, nullable=True)


def _long_text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _make_log() -> None:
    head = op.create_table("log_head", _small("id"), _int("size"), _bytes("root"), _bytes("frontier"))
    op.bulk_insert(head, [{"id": 1, "size": 0, "root": _EMPTY_ROOT, "frontier": b""}])
    op.create_table("entries", _int("idx", key=True), _bytes("chain"), _int("seq"), _text("kind", 128), _bytes("leaf"))
    op.create_index("entries_chain_seq", "entries", ["chain", "seq"], unique=True)
    op.create_table(
        "openings",
        _int("idx", key=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        _bytes("fields"),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
    )
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
        _maybe_int("removed"),
        _int("case_idx"),
    )
    op.create_index("members_account_case", "members", ["account", "case_idx"])
    op.create_table(
        "evidence",
        _int("idx", key=True),
        _bytes("chain"),
        _text("account", 64),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        _maybe_int("size"),
        _flag("stored"),
    )
    op.create_index("evidence_sha256_chain", "evidence", ["sha256", "chain"])
    op.create_table("timestamps", _int("idx", key=True), _text("authority", 64), _int("size"), _int("gen_time"))
    op.create_index("timestamps_authority_size", "timestamps", ["authority", "size"])
    op.create_index("timestamps_authority_idx", "timestamps", ["authority", "idx"])


def _make_casework() -> None:
    def placed() -> list[sa.Column[Any]]:
        return [_int("idx", key=True), _bytes("chain"), _int("entry"), _text("account", 64)]

    op.create_table(
        "acts",
        _int("idx", key=True),
        _bytes("chain"),
        _text("kind", 128),
        _maybe_int("entry"),
        _maybe_int("subject"),
    )
    op.create_table("demands", *placed(), _text("object", 16), _text("state", 16), _int("due_at"))
    op.create_table("challenges", *placed(), _text("state", 16))
    op.create_table("standings", *placed(), _text("role", 16), _text("state", 16))
    op.create_table("disclosures", _int("idx", key=True), _int("entry"), _maybe_int("demand"), _long_text("names"))
    op.create_table(
        "erasures", _int("idx", key=True), _bytes("chain"), _int("entry"), _long_text("names"), _flag("done")
    )
    op.create_table("links", _int("idx", key=True), _text("relation", 16, key=True), _int("target", key=True))
    op.create_table("access_codes", _int("idx", key=True), _int("counter"), _int("issued_at"))
    op.create_table("standing_attempts", _text("account", 64, key=True), _int("since"), _int("count"))
    _index_casework()


def _index_casework() -> None:
    indexes = {
        "acts_entry": ("acts", ["entry", "idx"]),
        "acts_subject": ("acts", ["subject", "idx"]),
        "acts_chain_kind": ("acts", ["chain", "kind", "idx"]),
        "demands_chain": ("demands", ["chain", "idx"]),
        "demands_entry": ("demands", ["entry", "idx"]),
        "members_account_role": ("members", ["account", "role", "case_idx"]),
        "demands_chain_state": ("demands", ["chain", "state", "due_at"]),
        "demands_state_due": ("demands", ["state", "due_at"]),
        "challenges_chain": ("challenges", ["chain", "idx"]),
        "challenges_entry": ("challenges", ["entry", "idx"]),
        "standings_chain": ("standings", ["chain", "idx"]),
        "standings_chain_account": ("standings", ["chain", "account"]),
        "standings_state": ("standings", ["state", "idx"]),
        "disclosures_entry": ("disclosures", ["entry", "idx"]),
        "erasures_entry": ("erasures", ["entry", "idx"]),
        "erasures_done": ("erasures", ["done", "idx"]),
        "links_target": ("links", ["target", "idx"]),
    }
    for name, (table, names) in indexes.items():
        op.create_index(name, table, names)


def _forbid_sampling() -> None:
    """PostgreSQL's statistics keep samples of columns: there an erased secret would outlive its erasure."""
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _ERASABLE.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


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
