"""The directory: customers, their DIDs and CLIs, and trunks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the directory's tables, and its revision."""
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("channels", sa.Integer),
        sa.Column("caller_id", sa.Text),
        *_trail(),
        sa.CheckConstraint("status IN ('active', 'inactive', 'penalty', 'pending')", name="status"),
        sa.CheckConstraint("channels >= 1", name="channels"),
    )
    op.create_table(
        "dids",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("identify", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), index=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("channels", sa.Integer),
        sa.Column("reject_code", sa.Integer, nullable=False),
        *_trail(),
        sa.CheckConstraint("identify IN ('cli', 'none')", name="identify"),
        sa.CheckConstraint("channels >= 1", name="channels"),
        sa.CheckConstraint("reject_code BETWEEN 400 AND 699", name="reject_code"),
    )
    op.create_table(
        "clis",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False, index=True),
        sa.Column("number", sa.Text, unique=True),
        sa.Column("pattern", sa.Text, unique=True),
        sa.Column("notes", sa.Text, nullable=False),
        *_trail(),
        sa.CheckConstraint("(number IS NULL) <> (pattern IS NULL)", name="number_or_pattern"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "trunks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("dial", sa.Text, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("caller_id", sa.Text),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("rated", sa.Text, nullable=False),
        *_trail(),
        sa.CheckConstraint("rated IN ('local', 'upstream')", name="rated"),
    )
    revision_table = op.create_table(
        "directory_revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.bulk_insert(revision_table, [{"id": 1, "revision": 1}])


def downgrade() -> None:
    """Drop them all."""
    for name in ("directory_revision", "trunks", "clis", "dids", "customers"):
        op.drop_table(name)


def _trail() -> tuple[sa.Column[str], sa.Column[int], sa.Column[int], sa.CheckConstraint]:
    """Who made the row, and when it was made and changed (milliseconds since 1970)."""
    return (
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("source IN ('operator', 'config')", name="source"),
    )
