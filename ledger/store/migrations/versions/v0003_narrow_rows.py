"""Fewer bytes an entry: rows in an order without padding, short keys in the indexes that grow by chance."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from ledger.errors import ConfigError

revision = "0003"
down_revision = "0002"

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FULL: Final = "WITH (fillfactor = 100)"

_ENTRIES: Final = (
    "INSERT INTO entries (idx, seq, chain, kind, leaf) "
    "SELECT idx, seq, chain, CASE kind WHEN 'evidence.anchored' THEN '' ELSE kind END, leaf FROM entries_0002 "
    "ORDER BY idx"
)
# Cast: SQLite joins two blobs to a text.
_EVIDENCE: Final = (
    "INSERT INTO evidence (idx, size, stored, mark, account, sha256) "
    "SELECT idx, size, stored, CAST(substr(sha256, 1, 3) || substr(chain, 1, 4) AS {bytes}), account, sha256 "
    "FROM evidence_0002 ORDER BY idx"
)
_GRANTS: Final = (
    "SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, "
    "a.is_grantable FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = CAST(CAST(:name AS text) AS regclass)"
)
# What somebody put on a table, and would go with it unseen; a view, or another table's key, PostgreSQL names itself.
_STANDING: Final = (
    "WITH t AS (SELECT oid, relname, relrowsecurity FROM pg_class WHERE oid = CAST(CAST(:name AS text) AS regclass)) "
    "SELECT 'row-level security' FROM t WHERE relrowsecurity "
    "UNION ALL SELECT 'policy ' || polname FROM pg_policy JOIN t ON t.oid = polrelid "
    "UNION ALL SELECT 'publication ' || pubname FROM pg_publication_rel r JOIN t ON t.oid = r.prrelid "
    "JOIN pg_publication p ON p.oid = r.prpubid "
    "UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger JOIN t ON t.oid = tgrelid "
    "WHERE NOT tgisinternal AND tgname NOT IN (relname || '_no_rewriting', relname || '_no_truncate') "
    "UNION ALL SELECT 'rights on column ' || attname FROM pg_attribute JOIN t ON t.oid = attrelid "
    "WHERE attacl IS NOT NULL AND NOT attisdropped ORDER BY 1"
)
_OWNER: Final = (
    "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = CAST(CAST(:name AS text) AS regclass)"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Its rows have no padding, and its keys take no more than they are long: `entries` stays as it is.
        op.rename_table("evidence", "evidence_0002")
        _make_evidence(sa.PrimaryKeyConstraint("idx"))
        op.execute(_EVIDENCE.format(bytes="BLOB"))
        op.drop_table("evidence_0002")
        _index_evidence()
        return
    grants = _put_aside("entries")
    _make_entries()
    op.execute(_ENTRIES)
    _put_in_place("entries")
    op.execute("CREATE UNIQUE INDEX entries_chain_seq ON entries (substr(chain, 1, 7), seq) " + _FULL)
    _forbid_rewriting_entries()
    grants += _put_aside("evidence")
    _make_evidence()
    op.execute(_EVIDENCE.format(bytes="bytea"))
    _put_in_place("evidence")
    _index_evidence()
    for column in ("sha256", "size", "mark"):  # statistics keep samples, and an erasure would not reach them
        op.execute(f"ALTER TABLE evidence ALTER COLUMN {column} SET STATISTICS 0")
    op.execute("ALTER INDEX openings_pkey SET (fillfactor = 100)")
    op.execute("REINDEX INDEX openings_pkey")
    for grant in grants:
        op.execute(grant)


def _put_aside(table: str) -> list[str]:
    """Rename a table. Returns the statements that give its successor to its owner, and rights to whoever had them, the
    owner included: he may have taken some from himself. Raises ConfigError where more stands on it than that.
    """
    bind = op.get_bind()
    standing = bind.execute(sa.text(_STANDING), {"name": table}).scalars().all()
    if standing:
        raise ConfigError(
            f"upgrade the tables: drop first what stands on {table}, and make it again then: {', '.join(standing)}"
        )
    owner = bind.execute(sa.text(_OWNER), {"name": table}).scalar_one()
    found = bind.execute(sa.text(_GRANTS), {"name": table}).all()
    op.rename_table(table, f"{table}_0002")
    return [
        f"ALTER TABLE {table} OWNER TO {owner}",
        *([f"REVOKE ALL ON {table} FROM PUBLIC, {owner}"] if found else []),
        *(
            f"GRANT {right} ON {table} TO {role}{' WITH GRANT OPTION' if passed_on else ''}"
            for right, role, passed_on in found
        ),
    ]


def _put_in_place(table: str) -> None:
    """The rows are copied. Indexes are built over them at once; those that grow at their end alone leave no room."""
    op.drop_table(f"{table}_0002")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (idx) {_FULL}")


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=nullable)


def _make_entries() -> None:
    op.create_table(
        "entries",
        _column("idx", _big),
        _column("seq", _big),
        _column("chain", sa.LargeBinary()),
        _column("kind", sa.String(128)),
        _column("leaf", sa.LargeBinary()),
    )


def _make_evidence(*constraints: sa.Constraint) -> None:
    op.create_table(
        "evidence",
        _column("idx", _big),
        _column("size", _big, nullable=True),
        _column("stored", sa.Boolean()),
        _column("mark", sa.LargeBinary(), nullable=True),
        _column("account", sa.String(64)),
        _column("sha256", sa.LargeBinary(), nullable=True),
        *constraints,
    )


def _index_evidence() -> None:
    op.create_index("evidence_mark", "evidence", ["mark"])
    held = sa.text("stored")
    op.create_index("evidence_stored", "evidence", ["sha256"], sqlite_where=held, postgresql_where=held)


def _forbid_rewriting_entries() -> None:
    op.execute(
        "CREATE TRIGGER entries_no_rewriting BEFORE UPDATE OR DELETE ON entries "
        "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        "CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    )
