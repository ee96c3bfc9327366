"""Fewer pages of SQLite for an arriving call: a CLI's customer in the CLIs' index, and DIDs in theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = (
    "number, app, identify, customer_id, enabled, channels, reject_code, source, created_ms, updated_ms"
)


def upgrade() -> None:
    """Create the index, and copy the DIDs to a table that is its own index."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_clis_number_customer_id", "clis", ["number", "customer_id"])
        _copy_dids(with_rowid=False)


def downgrade() -> None:
    """Drop the index, and copy the DIDs back."""
    if op.get_bind().dialect.name == "sqlite":
        _copy_dids(with_rowid=True)
        op.drop_index("ix_clis_number_customer_id", "clis")


def _copy_dids(*, with_rowid: bool) -> None:
    """SQLite cannot change a table of one kind into the other."""
    op.drop_index("ix_dids_customer_id", "dids")
    op.rename_table("dids", "dids_before")
    op.create_table(
        "dids",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("identify", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), index=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("channels", sa.Integer),
        sa.Column("reject_code", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("identify IN ('cli', 'none')", name="identify"),
        sa.CheckConstraint("channels >= 1", name="channels"),
        sa.CheckConstraint("reject_code BETWEEN 400 AND 699", name="reject_code"),
        sa.CheckConstraint("source IN ('operator', 'config')", name="source"),
        sqlite_with_rowid=with_rowid,
    )
    # By number: pages that are filled in their order are full.
    op.execute(f"INSERT INTO dids ({_COLUMNS}) SELECT {_COLUMNS} FROM dids_before ORDER BY number")  # noqa: S608 -- constants of ours
    op.drop_table("dids_before")
