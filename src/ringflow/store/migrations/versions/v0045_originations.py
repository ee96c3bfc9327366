"""Calls that Ringflow has Asterisk make."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "originations",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("token_digest", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("trunk", sa.Text),
        sa.Column("caller_id", sa.Text),
        sa.Column("ring_s", sa.Integer, nullable=False),
        sa.Column("charged", sa.Boolean, nullable=False),
        sa.Column("app", sa.Text),
        sa.Column("did", sa.Text),
        sa.Column("variables", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("app_call_id", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.UniqueConstraint("token_digest", name="uq_originations_token_digest"),
        sa.CheckConstraint("kind IN ('number', 'uri', 'device')", name="kind"),
        sa.CheckConstraint("state IN ('asked', 'dialling', 'ended', 'failed')", name="state"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_originations_asked_ms", "originations", ["asked_ms"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("originations")
