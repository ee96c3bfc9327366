"""Every text of a flow file that was in service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "flow_revisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("first_loaded_ms", sa.BigInteger, nullable=False),
        sa.Column("loaded_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("file", "revision"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("flow_revisions")
