"""Why Ringflow did not dial a leg."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Legs so far have no reason on record."""
    op.add_column("call_legs", sa.Column("reason", sa.Text()))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("call_legs", "reason")
