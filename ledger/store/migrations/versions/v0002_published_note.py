"""The published checkpoint's note stands in its own row, so that not every note needs one for good."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FORWARD_ONLY = "published moves forward only"


def upgrade() -> None:
    bind = op.get_bind()
    served = bind.execute(
        sa.text("SELECT p.id, p.size, c.note FROM published p JOIN checkpoints c ON c.size = p.size")
    ).all()
    op.drop_table("published")
    published = op.create_table(
        "published",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False, nullable=False),
        sa.Column("size", _big, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
    )
    if bind.dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _rewrite_in_place()
        _guard_postgresql()
    op.bulk_insert(published, [{"id": row.id, "size": row.size, "note": bytes(row.note)} for row in served])


def _rewrite_in_place() -> None:
    """PostgreSQL writes a new row at each update, and a long value into a table beside it. Kept in the row's own page
    and with the page left free for them, old rows are cleared away by the next update, and the table stays a page.
    """
    op.execute("ALTER TABLE published ALTER COLUMN note SET STORAGE MAIN")
    op.execute("ALTER TABLE published SET (fillfactor = 10, toast_tuple_target = 8160)")


def _guard_sqlite() -> None:
    for act, when in (("UPDATE", "WHEN new.size <= old.size "), ("DELETE", "")):
        op.execute(
            f"CREATE TRIGGER published_no_{act.lower()} BEFORE {act} ON published {when}"
            f"BEGIN SELECT RAISE(ABORT, '{_FORWARD_ONLY}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_moving_back() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_FORWARD_ONLY}'; END $$"
    )
    for act, when in (
        ("UPDATE", "FOR EACH ROW WHEN (new.size <= old.size)"),
        ("DELETE", "FOR EACH ROW"),
        ("TRUNCATE", "FOR EACH STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER published_no_{act.lower()} BEFORE {act} ON published "
            f"{when} EXECUTE FUNCTION refuse_moving_back()"
        )
