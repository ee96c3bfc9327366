"""Operators' calendars, and what operators say about opening hours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables. There are no calendars yet."""
    op.create_table(
        "calendars",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("source_form", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("expanded_ms", sa.BigInteger),
        sa.Column("fetched_ms", sa.BigInteger),
        sa.Column("tried_ms", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("modified", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("source_form IN ('ics', 'days')", name="source_form"),
        sa.CheckConstraint("(source IS NULL) = (source_form IS NULL)", name="source"),
    )
    op.create_table(
        "calendar_entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("calendar", sa.Text, sa.ForeignKey("calendars.name"), nullable=False),
        sa.Column("absolute", sa.Boolean, nullable=False),
        sa.Column("begins_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("by_hand", sa.Boolean, nullable=False),
        sa.CheckConstraint("begins_ms < ends_ms", name="length"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_calendar_entries_ends", "calendar_entries", ["calendar", "absolute", "ends_ms"])
    op.create_index("ix_calendar_entries_begins", "calendar_entries", ["calendar", "begins_ms", "id"])
    op.create_table(
        "schedule_overrides",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("set_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("schedule_overrides")
    op.drop_table("calendar_entries")
    op.drop_table("calendars")
