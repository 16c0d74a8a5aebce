"""The tables. Alembic's migrations build them; a test asserts that both agree."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    literal_column,
    text,
)

metadata = MetaData()

# 64 bits everywhere. SQLite calls that INTEGER, and only under that name makes a primary key the row's own address.
_big = BigInteger().with_variant(Integer(), "sqlite")


def _index() -> Column[int]:
    """The entry's index in the log. It comes from the head row, never from a sequence of the database."""
    return Column("idx", _big, primary_key=True, autoincrement=False)


log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", _big, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)

# The order of columns in `entries` and `evidence` leaves no padding between them on PostgreSQL. An empty `kind` is
# COMMON_KIND. The unique index `entries_chain_seq` is of (chain, seq) on SQLite, of (chain_start, seq) on PostgreSQL,
# and keeps (chain, seq) unique there too: of two chains that began alike the second would not get its first entry.
entries = Table(
    "entries",
    metadata,
    _index(),
    Column("seq", _big, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("kind", String(128), nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)
chain_start = literal_column("substr(chain, 1, 7)", LargeBinary)

COMMON_KIND: Final = "evidence.anchored"
"""Nearly every entry of a large log is of this kind."""

openings = Table(
    "openings",
    metadata,
    _index(),
    Column("secret", LargeBinary, nullable=True),
    Column("fields", LargeBinary, nullable=False),
    Column("kept", LargeBinary, nullable=True),
)

chains = Table(
    "chains",
    metadata,
    Column("chain", LargeBinary, primary_key=True),
    Column("length", _big, nullable=False),
    Column("acts", _big, nullable=False),
    Column("idx", _big, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)

tiles = Table(
    "tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("idx", _big, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

# The first checkpoint that was published of each 256 sizes. The newest one stands in `published`, alone.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", _big, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)

published = Table(
    "published",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", _big, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("idx", _big, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("at", _big, nullable=False),
    Index("idempotency_at", "at"),
)

cases = Table(
    "cases",
    metadata,
    Column("chain", LargeBinary, primary_key=True),
    Column("title", String, nullable=False),
    Column("opener", String(64), nullable=False),
    Column("idx", _big, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("chain", LargeBinary, primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("side", String(80), nullable=False),
    Column("idx", _big, nullable=False),
    Column("removed", _big, nullable=True),
    Column("case_idx", _big, nullable=False),
    Index("members_account_case", "account", "case_idx"),
    Index("members_account_role", "account", "role", "case_idx"),
)

# Which chain it is in, its entry says. `mark`: ledger.store.evidence_mark.
evidence = Table(
    "evidence",
    metadata,
    _index(),
    Column("size", _big, nullable=True),
    Column("stored", Boolean, nullable=False),
    Column("mark", LargeBinary, nullable=True),
    Column("account", String(64), nullable=False),
    Column("sha256", LargeBinary, nullable=True),
    Index("evidence_mark", "mark"),
    Index("evidence_stored", "sha256", sqlite_where=text("stored"), postgresql_where=text("stored")),
)

acts = Table(
    "acts",
    metadata,
    _index(),
    Column("chain", LargeBinary, nullable=False),
    Column("kind", String(128), nullable=False),
    Column("entry", _big, nullable=True),
    Column("subject", _big, nullable=True),
    Index("acts_entry", "entry", "idx"),
    Index("acts_subject", "subject", "idx"),
    Index("acts_chain_kind", "chain", "kind", "idx"),
)

demands = Table(
    "demands",
    metadata,
    _index(),
    Column("chain", LargeBinary, nullable=False),
    Column("entry", _big, nullable=False),
    Column("account", String(64), nullable=False),
    Column("object", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", _big, nullable=False),
    Index("demands_chain", "chain", "idx"),
    Index("demands_entry", "entry", "idx"),
    Index("demands_chain_state", "chain", "state", "due_at"),
    Index("demands_state_due", "state", "due_at"),
)

challenges = Table(
    "challenges",
    metadata,
    _index(),
    Column("chain", LargeBinary, nullable=False),
    Column("entry", _big, nullable=False),
    Column("account", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Index("challenges_chain", "chain", "idx"),
    Index("challenges_entry", "entry", "idx"),
)

standings = Table(
    "standings",
    metadata,
    _index(),
    Column("chain", LargeBinary, nullable=False),
    Column("entry", _big, nullable=False),
    Column("account", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Index("standings_chain", "chain", "idx"),
    Index("standings_chain_account", "chain", "account"),
    Index("standings_state", "state", "idx"),
)

# `names` of these two: one a line, ascending.
disclosures = Table(
    "disclosures",
    metadata,
    _index(),
    Column("entry", _big, nullable=False),
    Column("demand", _big, nullable=True),
    Column("names", Text, nullable=False),
    Index("disclosures_entry", "entry", "idx"),
)

erasures = Table(
    "erasures",
    metadata,
    _index(),
    Column("chain", LargeBinary, nullable=False),
    Column("entry", _big, nullable=False),
    Column("names", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    Index("erasures_entry", "entry", "idx"),
    Index("erasures_done", "done", "idx"),
)

links = Table(
    "links",
    metadata,
    _index(),
    Column("relation", String(16), primary_key=True),
    Column("target", _big, primary_key=True, autoincrement=False),
    Index("links_target", "target", "idx"),
)

access_codes = Table(
    "access_codes",
    metadata,
    _index(),
    Column("counter", _big, nullable=False),
    Column("issued_at", _big, nullable=False),
)

standing_attempts = Table(
    "standing_attempts",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("since", _big, nullable=False),
    Column("count", _big, nullable=False),
)

timestamps = Table(
    "timestamps",
    metadata,
    _index(),
    Column("authority", String(64), nullable=False),
    Column("size", _big, nullable=False),
    Column("gen_time", _big, nullable=False),
    Index("timestamps_authority_size", "authority", "size"),
    Index("timestamps_authority_idx", "authority", "idx"),
)

# Derived from entries and their openings alone: `rebuild` makes them again. In the order in which rows go in.
PROJECTIONS = (cases, members, evidence, acts, demands, challenges, standings, disclosures, links, erasures)

# Every row of these belongs to the entry whose index it holds.
OF_ENTRIES = (entries, openings, *PROJECTIONS, timestamps)

# Rows of these are written once. Triggers refuse anything else, also from a console of the database.
APPEND_ONLY = ("entries", "tiles", "checkpoints")
