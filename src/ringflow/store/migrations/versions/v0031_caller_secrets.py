"""Codes of customers who share a calling number, and service passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, with digests of what callers key."""
    op.create_table(
        "cli_codes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("code_digest", sa.Text, nullable=False),
        sa.Column("pepper", sa.Text, nullable=False),
        sa.Column("digits", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("set_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("number", "code_digest", name="uq_cli_codes_number_code_digest"),
        sa.UniqueConstraint("number", "customer_id", name="uq_cli_codes_number_customer_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cli_codes_number", "cli_codes", ["number", "id"])
    op.create_index("ix_cli_codes_customer", "cli_codes", ["customer_id", "id"])
    op.create_table(
        "service_passwords",
        sa.Column(
            "customer_id",
            sa.Integer,
            sa.ForeignKey("customers.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("password_digest", sa.Text, nullable=False),
        sa.Column("pepper", sa.Text, nullable=False),
        sa.Column("digits", sa.Integer, nullable=False),
        sa.Column("set_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("service_passwords")
    op.drop_table("cli_codes")
