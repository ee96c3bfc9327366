"""How long a value of scripts was to live when it was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Values of before it end when they would have ended."""
    op.add_column("script_values", sa.Column("ttl_ms", sa.BigInteger))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("script_values", "ttl_ms")
