"""What a leg cost us, by the card of its trunk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COLUMNS = {"cost_micros": sa.BigInteger, "cost_currency": sa.Text, "cost_prefix": sa.Text}


def upgrade() -> None:
    """Add the columns; what was recorded before has no cost."""
    for name, kind in _COLUMNS.items():
        op.add_column("call_legs", sa.Column(name, kind))


def downgrade() -> None:
    """Drop them."""
    for name in _COLUMNS:
        op.drop_column("call_legs", name)
