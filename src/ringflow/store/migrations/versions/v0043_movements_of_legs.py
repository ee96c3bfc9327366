"""Movements are found by the leg that they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_OF_LEGS = sa.text("leg_id IS NOT NULL")


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_ledger_movements_leg",
        "ledger_movements",
        ["leg_id"],
        sqlite_where=_OF_LEGS,
        postgresql_where=_OF_LEGS,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_ledger_movements_leg", "ledger_movements")
