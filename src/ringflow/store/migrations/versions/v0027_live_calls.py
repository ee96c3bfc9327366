"""Orders for calls in progress, and events of calls that are watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, which only hold what is going on now."""
    op.create_table(
        "call_orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("ordered_ms", sa.BigInteger, nullable=False),
        sa.Column("taken_ms", sa.BigInteger),
        sa.Column("server", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("refused", sa.Integer),
    )
    op.create_index("ix_call_orders_ordered_ms", "call_orders", ["ordered_ms"])
    op.create_table(
        "call_watches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "watched_events",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("kept_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_watched_events_kept_ms", "watched_events", ["kept_ms"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("watched_events")
    op.drop_table("call_watches")
    op.drop_table("call_orders")
