"""Passkeys of operators, the challenges that they answer, and the sessions that they begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column of sessions."""
    op.create_table(
        "operator_passkeys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), nullable=False),
        sa.Column("credential_id", sa.Text, nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("synced", sa.Boolean, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operator_passkeys_operator_id", "operator_passkeys", ["operator_id", "id"])
    op.create_table(
        "passkey_challenges",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("operator_id", sa.Integer),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_passkey_challenges_expires_ms", "passkey_challenges", ["expires_ms"])
    op.add_column("operator_sessions", sa.Column("passkey_id", sa.Integer))


def downgrade() -> None:
    """Take them away; the sessions that passkeys have begun end."""
    op.execute("DELETE FROM operator_sessions WHERE passkey_id IS NOT NULL")
    op.drop_column("operator_sessions", "passkey_id")
    op.drop_table("passkey_challenges")
    op.drop_table("operator_passkeys")
