"""Names of destinations, destinations that are blocked, and what the columns of carriers' sheets are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty where rates are there already, and the table."""
    op.add_column("rates", sa.Column("destination", sa.Text, nullable=False, server_default=""))
    op.add_column("rates", sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("call_legs", sa.Column("cost_destination", sa.Text))
    op.create_table(
        "rate_maps",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them. A destination that was blocked has no rate any more: without a price it would be free."""
    op.drop_table("rate_maps")
    op.drop_column("call_legs", "cost_destination")
    op.execute("DELETE FROM rates WHERE blocked")
    op.drop_column("rates", "blocked")
    op.drop_column("rates", "destination")
