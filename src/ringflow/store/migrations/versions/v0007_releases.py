"""Who ended a call, and each of its legs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("call_records", "call_legs")


def upgrade() -> None:
    """Add the columns; what was recorded before does not know it."""
    for table in _TABLES:
        op.add_column(table, sa.Column("released_by", sa.Text))


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_column(table, "released_by")
