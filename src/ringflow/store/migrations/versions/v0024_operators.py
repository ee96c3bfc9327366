"""Operators, roles and API tokens; the audit log says what kind of operator acted, and by which token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_IN_USE = sa.text("revoked_ms IS NULL")


def upgrade() -> None:
    """Add the tables and the columns. Nobody is an operator yet; entries of before keep NULL."""
    op.create_table(
        "roles",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("rights", sa.JSON, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "operators",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False, index=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("password_set_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("name <> ''", name="name"),
        sa.CheckConstraint("(password_hash IS NULL) = (password_set_ms IS NULL)", name="password"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("operator_id", sa.Integer, sa.ForeignKey("operators.id"), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False, unique=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("rights", sa.JSON(none_as_null=True)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.CheckConstraint("role IS NULL OR rights IS NULL", name="role_or_rights"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_tokens_operator_id_name",
        "tokens",
        ["operator_id", "name"],
        unique=True,
        sqlite_where=_IN_USE,
        postgresql_where=_IN_USE,
    )
    op.add_column("audit_log", sa.Column("acted_as", sa.Text))
    op.add_column("audit_log", sa.Column("token", sa.Text))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("audit_log", "token")
    op.drop_column("audit_log", "acted_as")
    op.drop_table("tokens")
    op.drop_table("operators")
    op.drop_table("roles")
