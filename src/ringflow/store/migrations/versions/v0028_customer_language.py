"""The language that a customer's callers chose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; customers of before have chosen none."""
    op.add_column("customers", sa.Column("language", sa.Text))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("customers", "language")
