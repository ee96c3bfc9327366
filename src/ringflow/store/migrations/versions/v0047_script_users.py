"""When a script last acted as an operator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("operators", sa.Column("script_used_ms", sa.BigInteger))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("operators", "script_used_ms")
