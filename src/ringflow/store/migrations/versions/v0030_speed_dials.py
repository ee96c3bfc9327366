"""Speed dials of customers, and the variable that gets the number which callers dial behind a DID."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column. No DID of before has a number behind it."""
    op.add_column("dids", sa.Column("variable", sa.Text))
    op.create_table(
        "speed_dials",
        sa.Column("customer_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_speed_dials_customer_id"),
        sa.CheckConstraint("place BETWEEN 0 AND 99", name="place"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take them away. DIDs with a number behind them stay, and no call reaches them."""
    op.drop_table("speed_dials")
    op.drop_column("dids", "variable")
