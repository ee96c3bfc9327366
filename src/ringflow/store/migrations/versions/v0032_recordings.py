"""Recordings of callers, whose files Asterisk writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "recordings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("length_ms", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("did", sa.Text, nullable=False),
        sa.Column("cli", sa.Text),
        sa.Column("customer_id", sa.Integer),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("levelled", sa.Boolean, nullable=False),
        sa.Column("least_ms", sa.Integer, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.CheckConstraint("status IN ('recording', 'kept', 'deleting')", name="status"),
        sa.CheckConstraint("bytes >= 0 AND length_ms >= 0", name="figures"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_recordings_call", "recordings", ["call_id", "started_ms", "id"])
    op.create_index("ix_recordings_started", "recordings", ["started_ms", "id"])
    op.create_index("ix_recordings_customer", "recordings", ["customer_id", "started_ms", "id"])
    op.create_index("ix_recordings_cli", "recordings", ["cli", "started_ms", "id"])
    for name, columns, rows in (
        ("ix_recordings_expires", ["expires_ms"], "expires_ms IS NOT NULL"),
        ("ix_recordings_unfinished", ["server", "until_ms"], "status <> 'kept'"),
        ("ix_recordings_raw", ["server", "started_ms"], "status = 'kept' AND NOT levelled"),
    ):
        op.create_index(
            name, "recordings", columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows)
        )


def downgrade() -> None:
    """Take it away. The files stay in their folder."""
    op.drop_table("recordings")
