"""Operators' sign-in: sessions, devices, second factor, recovery codes and links; and operators' e-mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_OF_OPERATORS = (
    ("email", sa.Text),
    ("totp_secret", sa.Text),
    ("second_factor_ms", sa.BigInteger),
    ("totp_step", sa.BigInteger),
)


def upgrade() -> None:
    """Add the tables and the columns. Nobody is signed in yet, and nobody has a second factor."""
    for name, kind in _OF_OPERATORS:
        op.add_column("operators", sa.Column(name, kind))
    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), nullable=False, index=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("used_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "operator_devices",
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False, index=True),
        sa.PrimaryKeyConstraint("operator_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("operator_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operator_links",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    """Take them away."""
    for table in ("operator_links", "recovery_codes", "operator_devices", "operator_sessions"):
        op.drop_table(table)
    for name, _ in _OF_OPERATORS:
        op.drop_column("operators", name)
