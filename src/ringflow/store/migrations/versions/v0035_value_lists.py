"""Operators' lists of numbers or texts, in which flows look values up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. No list is there yet."""
    op.create_table(
        "value_lists",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("kind IN ('numbers', 'text')", name="kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "value_list_entries",
        sa.Column(
            "list_id", sa.Integer, sa.ForeignKey("value_lists.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        op.create_index(
            "ix_value_list_entries_beginning",
            "value_list_entries",
            ["list_id", "value"],
            postgresql_ops={"value": "text_pattern_ops"},
        )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("value_list_entries")
    op.drop_table("value_lists")
