"""The texts of scripts that were published, or found on disk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "script_texts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("follows", sa.Integer),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("replaced", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("file", "follows"),
        sa.CheckConstraint("kind IN ('publish', 'roll_back', 'disk')", name="kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_script_texts_at", "script_texts", ["file", "at_ms", "id"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("script_texts")
