"""Customers' logins and tokens, and the call-backs by which they add numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "customer_logins",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("password_set_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("email", name="uq_customer_logins_email"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_customer_logins_customer", "customer_logins", ["customer_id", "id"])
    op.create_table(
        "customer_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("login_id", sa.Integer, sa.ForeignKey("customer_logins.id")),
        sa.Column("card_id", sa.Text, sa.ForeignKey("cards.id")),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.CheckConstraint("kind IN ('sign_in', 'program')", name="kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_customer_tokens_customer", "customer_tokens", ["customer_id", "id"])
    op.create_index("ix_customer_tokens_login_id", "customer_tokens", ["login_id"])
    op.create_index("ix_customer_tokens_card_id", "customer_tokens", ["card_id"])
    op.create_table(
        "customer_secrets",
        sa.Column("prefix", sa.Text, primary_key=True),
        sa.Column("token_id", sa.Integer, sa.ForeignKey("customer_tokens.id"), nullable=False),
        sa.Column("access_digest", sa.Text, nullable=False),
        sa.Column("access_expires_ms", sa.BigInteger),
        sa.Column("refresh_digest", sa.Text),
        sa.Column("refresh_expires_ms", sa.BigInteger),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("next_prefix", sa.Text),
        sa.CheckConstraint("(refresh_digest IS NULL) = (refresh_expires_ms IS NULL)", name="refresh"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_customer_secrets_token_id", "customer_secrets", ["token_id"])
    op.create_table(
        "call_backs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("code_digest", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("wrong_codes", sa.Integer, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "state IN ('calling', 'answered', 'not_answered', 'failed', 'confirmed', 'refused')", name="state"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_backs_asked_ms", "call_backs", ["asked_ms"])
    op.create_index("ix_call_backs_customer", "call_backs", ["customer_id", "asked_ms"])
    op.create_index("ix_call_backs_number", "call_backs", ["number", "asked_ms"])


def downgrade() -> None:
    """Take them away."""
    for name in ("call_backs", "customer_secrets", "customer_tokens", "customer_logins"):
        op.drop_table(name)
