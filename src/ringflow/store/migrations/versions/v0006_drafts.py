"""Drafts: what calls in progress would leave if their server died."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the drafts."""
    op.create_table(
        "call_drafts",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("server", sa.Text, nullable=False, index=True),
        sa.Column("kept_ms", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("call_drafts")
